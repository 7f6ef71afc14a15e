//! What a feed does with what is not for the record, how it answers, and messages about several people.

use handover::fhir::Identifier;
use handover::record::Record;
use handover::store::{Disposition, MessageEntry, MessageFilter};

use crate::harness::{House, adt, code, minutes_ago};

/// A gateway whose feed has more keys.
async fn house(keys: &'static str) -> House {
    House::with(&|name, text| if name == "feeds/riverside.yaml" { format!("{text}{keys}\n") } else { text }).await
}

async fn newest(house: &House) -> MessageEntry {
    let store = &house.running.gateway.store;
    let page = store.messages(&MessageFilter::default(), None, 1).await.unwrap();
    store.message(page.items[0].sequence).await.unwrap().unwrap()
}

async fn record_of(house: &House, mrn: &str) -> Option<Record> {
    let store = &house.running.gateway.store;
    let identifier = Identifier::new("urn:oid:2.16.840.1.113883.19.5", mrn);
    let person = store.persons_of(&[identifier]).await.unwrap()[0]?;
    Some(store.record(person, &[], 100).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn training_is_kept_without_effect_and_debugging_refused_where_the_feed_says_so() {
    let house = house("processing: { D: refuse }").await;
    let mut hospital = house.hospital().await;
    let message = |id: &str, mode: &str| {
        adt("A03", id, "8801", "V8801", &minutes_ago(5)).replace("|P|2.5.1", &format!("|{mode}|2.5.1"))
    };
    assert_eq!(code(&hospital.send(&message("1", "T")).await), "AA");
    let kept = newest(&house).await;
    assert_eq!(kept.summary.disposition, Disposition::Ignored);
    assert!(kept.trace.problems.iter().any(|line| line.place == "MSH-11" && line.text.contains("without effect")));
    assert!(kept.trace.resources.is_empty() && record_of(&house, "8801").await.is_none());
    let refused = hospital.send(&message("2", "D")).await;
    assert_eq!(code(&refused), "AR");
    assert!(refused.contains("ERR||MSH^1^11|202^Unsupported processing id^HL70357|E"), "{refused}");
    assert_eq!(code(&hospital.send(&message("3", "P^T")).await), "AA");
    assert!(record_of(&house, "8801").await.is_some(), "the mode T is current processing");
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_nobody_maps_are_kept_where_the_feed_says_so_and_refused_in_words_for_senders() {
    let house = house("ignore: [ADT^A60]").await;
    let mut hospital = house.hospital().await;
    let message = |event: &str| {
        adt("A04", event, "8802", "V8802", &minutes_ago(5)).replace("ADT^A04^ADT_A01", &format!("ADT^{event}"))
    };
    assert_eq!(code(&hospital.send(&message("A60")).await), "AA");
    assert_eq!(newest(&house).await.summary.disposition, Disposition::Ignored);
    let refused = hospital.send(&message("A61")).await;
    assert!(refused.contains("MSH^1^9^1^2|201^Unsupported event code") && !refused.contains("mapping"), "{refused}");
    let told = newest(&house).await;
    assert!(
        told.trace.problems.iter().any(|line| line.text.contains("mappings/messages")),
        "the operator knows what to do"
    );
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_both_acknowledgements_gets_both() {
    let house = House::new().await;
    let mut hospital = house.hospital().await;
    let asking = adt("A04", "1", "8803", "V8803", &minutes_ago(9)).replace("|P|2.5.1", "|P|2.5.1|||AL|AL");
    let accept = hospital.send(&asking).await;
    let application = hospital.answer().await;
    assert_eq!((code(&accept), code(&application)), ("CA", "AA"));
    let again = hospital.send(&asking).await;
    assert_eq!((again, hospital.answer().await), (accept, application), "the same answers to the same message");
    let acknowledgement = "MSH|^~\\&|A|RIVERSIDE|||2026||ACK^A04|77|P|2.5.1\rMSA|CA|1\r";
    hospital.write(&crate::harness::frame(acknowledgement)).await;
    let next = hospital.send(&adt("A04", "2", "8803", "V8803", &minutes_ago(8))).await;
    assert!(next.contains("MSA|AA|2"), "an acknowledgement is not answered: {next}");
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_may_fix_how_it_answers() {
    let house = house("acknowledge: original").await;
    let mut hospital = house.hospital().await;
    let asking = adt("A04", "1", "8804", "V8804", &minutes_ago(9)).replace("|P|2.5.1", "|P|2.5.1|||NE|NE");
    assert_eq!(code(&hospital.send(&asking).await), "AA");
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_merges_of_a_message_are_done_or_none() {
    let house = House::new().await;
    let mut hospital = house.hospital().await;
    for (control, mrn) in [("1", "8811"), ("2", "8812"), ("3", "8813"), ("4", "8814")] {
        let visit = format!("V{mrn}");
        assert_eq!(code(&hospital.send(&adt("A04", control, mrn, &visit, &minutes_ago(30))).await), "AA");
    }
    let at = minutes_ago(5);
    let merge = |control: &str, groups: &[(&str, &str)]| {
        let header = format!("MSH|^~\\&|ADT|RIVERSIDE|||{at}||ADT^A40^ADT_A39|{control}|P|2.5.1\rEVN|A40|{at}\r");
        let group = |(to, from): &(&str, &str)| {
            format!("PID|1||{to}^^^RIVERSIDE^MR||Okafor^Rosalind\rMRG|{from}^^^RIVERSIDE^MR\r")
        };
        header + &groups.iter().map(group).collect::<String>()
    };
    let failed = hospital.send(&merge("5", &[("8811", "8812"), ("8813", "8813")])).await;
    assert!(code(&failed) == "AE" && failed.contains("|204^Unknown key identifier"), "{failed}");
    assert_eq!(record_of(&house, "8812").await.unwrap().head.absorbed, []);
    assert_eq!(code(&hospital.send(&merge("6", &[("8811", "8812"), ("8813", "8814")])).await), "AA");
    for (to, from) in [("8811", "8812"), ("8813", "8814")] {
        let (survivor, prior) = (record_of(&house, to).await.unwrap(), record_of(&house, from).await.unwrap());
        assert_eq!(survivor.head.person, prior.head.person);
        assert_eq!(survivor.of_type("Encounter").count(), 2);
    }
    // What the first group made is what the second goes on from.
    assert_eq!(code(&hospital.send(&merge("7", &[("8813", "8811"), ("8813", "8815")])).await), "AA");
    let all = record_of(&house, "8813").await.unwrap();
    assert_eq!((all.head.absorbed.len(), all.of_type("Encounter").count()), (4, 4));
    assert_eq!(record_of(&house, "8815").await.unwrap().head.person, all.head.person);
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn results_go_to_the_patient_they_stand_under() {
    let house = House::new().await;
    let mut hospital = house.hospital().await;
    let at = minutes_ago(20);
    let group = |mrn: &str, order: &str, value: &str| {
        format!(
            "PID|1||{mrn}^^^RIVERSIDE^MR||Okafor^Rosalind||19580314|F\rOBR|1||{order}^LAB|LYTES^Lytes^L|||{at}\r\
             OBX|1|NM|2951-2^Sodium^LN||{value}|mmol/L|||||F|||{at}|||17^Osei^Ama^^^^^^RIVERSIDE\r"
        )
    };
    let message = |control: &str, event: &str, groups: &[String]| {
        format!("MSH|^~\\&|LAB|RIVERSIDE|||{at}||{event}|{control}|P|2.5.1\r{}", groups.concat())
    };
    let same = message("1", "ORU^R01", &[group("8821", "F1", "141"), group("8821", "F2", "139")]);
    assert_eq!(code(&hospital.send(&same).await), "AA");
    let several = message("2", "ORU", &[group("8821", "F3", "137"), group("8822", "F4", "128")]);
    assert_eq!(code(&hospital.send(&several).await), "AA");
    let sodium = async |mrn: &str| {
        let record = record_of(&house, mrn).await.unwrap();
        let mut values: Vec<String> = record
            .of_type("Observation")
            .map(|stored| stored.resource.get("valueQuantity").unwrap()["value"].to_string())
            .collect();
        values.sort();
        values
    };
    assert_eq!(sodium("8821").await, ["137", "139", "141"]);
    assert_eq!(sodium("8822").await, ["128"]);
    let kept = newest(&house).await;
    assert!(kept.trace.problems.iter().any(|line| line.text.contains("read as R01")), "{:?}", kept.trace.problems);
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn characters_and_clocks_are_read_as_the_feed_says() {
    let house = house("charset: cp850\nzones: { RIVERSIDE: America/Denver }").await;
    let mut hospital = house.hospital().await;
    let message = adt("A04", "1", "8831", "V8831", "20260301101500").into_bytes();
    let place = message.windows(8).position(|eight| eight == b"Rosalind").unwrap();
    let mut written = message.clone();
    // R, e with acute in code page 850, n, and blanks.
    written[place..place + 8].copy_from_slice(b"Ren\x82    ");
    hospital.write(&[b"\x0b", written.as_slice(), b"\x1c\r"].concat()).await;
    assert_eq!(code(&hospital.answer().await), "AA");
    let record = record_of(&house, "8831").await.unwrap();
    let patient = record.of_type("Patient").next().unwrap();
    assert_eq!(patient.resource.get("name").unwrap()[0]["given"][0], "René");
    let visit = record.of_type("Encounter").next().unwrap();
    assert_eq!(visit.resource.get("period").unwrap()["start"], "2026-03-01T10:15:00-07:00");
    house.running.stop().await;
}
