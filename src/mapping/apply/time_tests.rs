//! Times as the built-in maps read them: whose clock, what stands in for what, and what is said of it.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::hl7::{Message, ReadOptions};
use crate::mapping::{Authorities, Context, Layers, Mapped, compile};
use crate::unused::Kind;

/// A message of a sender in Chicago, received an hour after the repeated hour of 2026 ended.
fn map(header: &str, rest: &str) -> Mapped {
    let raw = format!("MSH|^~\\&|APP|FACILITY|||{header}|1|P|2.5.1\rPID|1||77^^^X^MR||Marlow^Iris\r{rest}");
    let message = Message::parse(raw.into_bytes(), &ReadOptions::default()).message.unwrap();
    let (set, problems) = compile(&Layers::built_in());
    assert_eq!(problems, []);
    let (zone, authorities) = (TimeZone::get("America/Chicago").unwrap(), Authorities::default());
    let received = "2026-11-01T09:00:00Z".parse().unwrap();
    set.apply(&message, &Context { zone: &zone, authorities: &authorities, habits: &Default::default(), received })
}

/// PV1 with its times of admission and discharge.
fn visit(start: &str, end: &str) -> String {
    format!("PV1|1|E{}{start}|{end}\r", "|".repeat(42))
}

fn element(mapped: &Mapped, kind: &str, pointer: &str) -> Value {
    let resource = Value::from(mapped.draft(kind).unwrap().resource.clone());
    resource.pointer(pointer).cloned().unwrap_or(Value::Null)
}

/// The places where something about time is said, and what about.
fn said(mapped: &Mapped) -> Vec<(String, String)> {
    let of_time = mapped.problems.iter().filter_map(|problem| {
        let unused = problem.unused.as_ref().filter(|unused| unused.kind == Kind::Time)?;
        Some((problem.place.to_string(), unused.about.clone()))
    });
    of_time.collect()
}

#[test]
fn a_time_that_stands_in_for_an_unreadable_one_says_so() {
    let rest = "OBR|1||F1^LAB|V^V^L|||20261101030000\rOBX|1|NM|2951-2^Sodium^LN||141|mmol/L|||||F|||03.11.2026\r";
    let mapped = map("20261101031000||ORU^R01", rest);
    assert_eq!(element(&mapped, "Observation", "/effectiveDateTime"), "2026-11-01T03:00:00-06:00");
    let extension = json!({ "url": "https://handover.health/StructureDefinition/handover-time-from",
        "valueString": "OBR-7 instead of OBX-14" });
    assert_eq!(element(&mapped, "Observation", "/_effectiveDateTime/extension/0"), extension);
    assert_eq!(said(&mapped), [("OBX-14.1.1".to_string(), "OBX-14".to_string())]);
    let problem =
        mapped.problems.iter().find(|problem| problem.unused.as_ref().is_some_and(|unused| unused.kind == Kind::Time));
    let problem = problem.unwrap();
    assert!(problem.text.ends_with("the time of OBR-7 stands in for it"), "{}", problem.text);
}

#[test]
fn a_time_that_stands_in_for_one_that_is_not_said_says_so_in_the_same_way() {
    let rest = "OBR|1||F1^LAB|V^V^L\rOBX|1|NM|2951-2^Sodium^LN||141|mmol/L|||||F\r";
    let mapped = map("20261101031000||ORU^R01", rest);
    assert_eq!(element(&mapped, "Observation", "/effectiveDateTime"), "2026-11-01T03:10:00-06:00");
    let extension = json!([{ "url": "https://handover.health/StructureDefinition/handover-time-from",
        "valueString": "MSH-7 instead of OBX-14" }]);
    assert_eq!(element(&mapped, "Observation", "/_effectiveDateTime/extension"), extension);
    let observation = mapped.drafts.iter().find(|draft| draft.resource.resource_type() == "Observation").unwrap();
    assert_eq!(observation.resource.get("note"), None);
    assert_eq!(said(&mapped), [("OBX-14".to_string(), "OBX-14".to_string())]);
    let ordered = rest.replace("V^V^L", "V^V^L|||20261101030000");
    let ordered = map("20261101031000||ORU^R01", &ordered);
    let observation = ordered.drafts.iter().find(|draft| draft.resource.resource_type() == "Observation").unwrap();
    assert_eq!(observation.resource.get("_effectiveDateTime"), None, "the time of its order is its own");
}

#[test]
fn one_way_of_writing_is_noted_once_in_a_message() {
    let visit = visit("2026-11-01 02:50", "20261101025500.1234567");
    let mapped = map("2026-11-01T03:10:00||ADT^A04", &format!("EVN|A04|2026-11-01T03:00:00\r{visit}"));
    assert_eq!(element(&mapped, "Encounter", "/period/start"), "2026-11-01T02:50:00-06:00");
    let places: Vec<String> = said(&mapped).into_iter().map(|(place, _)| place).collect();
    assert_eq!(places, ["MSH-7.1.1", "PV1-45.1.1"]);
}

#[test]
fn an_end_in_the_repeated_hour_is_not_before_its_start() {
    let mapped = map("20261101012000-0600||ADT^A03", &visit("20261101010500", "20261101014500"));
    assert_eq!(
        element(&mapped, "Encounter", "/period"),
        json!({
            "start": "2026-11-01T01:05:00-05:00", "end": "2026-11-01T01:45:00-05:00"
        })
    );
    assert_eq!(said(&mapped), [], "the header says which hour it is");
}

#[test]
fn a_message_without_any_time_says_that_its_arrival_stands_in() {
    let mapped = map("||ADT^A04", "PV1|1|E\r");
    assert_eq!(mapped.event.occurred.to_string(), "2026-11-01T09:00:00Z");
    assert_eq!(said(&mapped), [("MSH-7".to_string(), "MSH-7".to_string())]);
}

#[test]
fn the_second_part_of_a_time_says_how_much_of_it_is_meant() {
    let mapped = map("20261101031000||ADT^A04", &visit("20261031000000^D", ""));
    assert_eq!(element(&mapped, "Encounter", "/period/start"), "2026-10-31");
    assert!(mapped.unread.iter().all(|unread| unread.place.field != 44));
}
