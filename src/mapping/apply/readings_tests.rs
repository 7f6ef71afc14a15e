//! Readings, results of every type and documents, as senders write them: nothing is lost, and what has one cause is said once.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::fhir::ValueSets;
use crate::hl7::{Message, ReadOptions};
use crate::mapping::{Authorities, Context, Habits, Layers, MapSet, Mapped, compile};
use crate::unused::{Duty, Kind};

static SET: LazyLock<MapSet> = LazyLock::new(|| compile(&Layers::built_in()).0);

/// The results of one order, mapped.
fn results(lines: &str) -> Mapped {
    let head = "MSH|^~\\&|LAB|RIVERSIDE|||20260301||ORU^R01^ORU_R01|1|P|2.5.1\nPID|1||4711^^^&1.2.840.99&ISO\n\
                OBR|1||F9^LAB|X^Panel^L|||20260301101500\n";
    let raw = format!("{head}{lines}").replace('\n', "\r").into_bytes();
    let (authorities, habits) = (Authorities::default(), Habits::default());
    let context =
        Context { zone: &TimeZone::UTC, authorities: &authorities, habits: &habits, received: Timestamp::UNIX_EPOCH };
    SET.apply(&Message::parse(raw, &ReadOptions::default()).message.unwrap(), &context)
}

fn said(mapped: &Mapped) -> Vec<(Kind, &str, Option<Duty>)> {
    let unused = mapped.problems.iter().filter_map(|problem| problem.unused.as_ref());
    unused.map(|unused| (unused.kind, unused.about.as_str(), unused.duty)).collect()
}

#[test]
fn what_has_one_cause_is_said_once_and_counted() {
    let line = "OBX|1|NM|29463-7^Weight^LN||80.5||||||F\n";
    let mapped = results(&line.repeat(40));
    let expected = [(Kind::Reading, "LN 29463-7", Some(Duty::Feed))];
    assert_eq!(said(&mapped), expected);
    let problem = mapped.problems.iter().find(|problem| problem.unused.is_some()).unwrap();
    assert!(problem.text.ends_with("(and so at 39 more places)"), "{}", problem.text);
    assert!(!problem.text.contains("80"), "{}", problem.text);
}

#[test]
fn every_code_that_rules_watch_is_a_reading_whose_unit_can_be_told() {
    for (reading, set) in [
        ("oxygen-saturation", "oxygen-saturation"),
        ("systolic-pressure", "blood-pressure-systolic"),
        ("diastolic-pressure", "blood-pressure-diastolic"),
    ] {
        let reading = SET.readings.iter().find(|known| known.name == reading).unwrap();
        let watches = |system: &str, code: &str| ValueSets::built_in().contains(set, system, code);
        let file = ValueSets::built_in().get(set).unwrap().source().text.clone();
        let words = file.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
        for code in words.filter(|word| reading.codes.keys().any(|system| watches(system, word))) {
            let is_known = reading.codes.values().any(|own| own.contains(code));
            assert!(is_known, "{set}: {code} is not in readings/{}", reading.name);
        }
        for (system, codes) in &reading.codes {
            for code in codes {
                assert!(watches(system, code), "{code} of {} is in no set that rules watch", reading.name);
            }
        }
    }
}

#[test]
fn every_type_of_chapter_2a_has_a_value() {
    let types = "AD AUI CCD CCP CD CE CF CNE CNN CP CQ CSU CWE CX DDI DIN DLD DLN DLT DR DT DTM DTN EI EIP ELD ERL FC FN FT GTS \
                 HD ICD ID IS JCC LA1 LA2 MA MO MOC MOP MSG NA NDL NM NR OCD OSD OSP OVR PIP PL PLN PN PPN PRL PT PTA QIP QSC RCD \
                 RFR RI RMC RPT SAD SCV SI SN SPD SPS SRT ST TM TN TQ TS TX UVC VH VID VR WVI WVS XAD XCN XON XPN XTN ZZ9";
    for kind in types.split_whitespace() {
        let mapped = results(&format!("OBX|1|{kind}|8251-1^Remark^LN||alpha&beta^gamma||||||F\n"));
        let result = mapped.drafts.iter().find(|draft| draft.local == "Observation").unwrap();
        let text = Value::from(result.resource.clone()).to_string();
        let value = result.resource.as_map().keys().find(|name| name.starts_with("value"));
        assert!(value.is_some() && text.contains("alpha"), "{kind}: {text}");
    }
}

#[test]
fn a_document_is_kept_with_its_bytes_or_said_to_be_left_out() {
    let mapped = results("OBX|1|ED|11502-2^Report^LN||^^RTF^Base64^e1xydGYx\\.br\\fQ==||||||F\n");
    let document = Value::from(mapped.draft("DocumentReference").unwrap().resource.clone());
    let attachment = &document["content"][0]["attachment"];
    assert_eq!((&attachment["contentType"], &attachment["data"]), (&"application/rtf".into(), &"e1xydGYxfQ==".into()));
    assert!(mapped.draft("Observation").is_none());
    let long = "QUJD".repeat(1_100_000);
    let mapped = results(&format!("OBX|1|ED|11502-2^Report^LN||^^PDF^Base64^{long}||||||F\n"));
    assert!(mapped.draft("DocumentReference").is_none());
    assert!(said(&mapped).contains(&(Kind::Limit, "OBX-5", None)), "{:?}", said(&mapped));
}

#[test]
fn a_number_keeps_its_bytes_in_the_lineage_wherever_it_stood() {
    let lines =
        "OBX|1|ST|85354-9^Pressure^LN||141/88 mmHg||||||F\nOBX|2|CWE|8867-4^Pulse^LN||77^77 beats^L|/min|||||F\n";
    let mapped = results(lines);
    let places: Vec<(String, String)> = mapped
        .lineage
        .iter()
        .filter(|note| note.place.field == 5)
        .map(|note| (note.element.clone(), note.place.to_string()))
        .collect();
    for (element, place) in [
        ("component[0].valueQuantity.value", "OBX-5.1.1"),
        ("component[1].valueQuantity.value", "OBX-5.1.1"),
        ("valueQuantity.value", "OBX[2]-5.1.1"),
    ] {
        assert!(places.contains(&(element.to_string(), place.to_string())), "{element}: {places:?}");
    }
}
