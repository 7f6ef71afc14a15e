//! Visits under two numbers, and orders used twice, said out.

use serde_json::json;

use super::world::{Message, World, message};
use crate::unused::{Duty, Kind};

fn visit(minute: i64, control: &'static str, key: Option<&str>, numbers: &[(&str, &str, &str)]) -> Message {
    let mut message = message("A08", minute, control, "A").visit("V1", Some("IMP"), None, None);
    message.drafts.retain(|draft| draft.resource.resource_type() == "Encounter");
    let draft = message.drafts.last_mut().unwrap();
    draft.key = key.map(String::from);
    let items: Vec<_> = numbers.iter().map(|(_, system, value)| json!({ "system": system, "value": value })).collect();
    draft.resource.set("identifier", json!(items));
    draft.sources.insert("identifier".to_string(), numbers.iter().map(|(field, _, _)| (*field).to_string()).collect());
    message
}

fn said(story: &[Message]) -> Vec<String> {
    let world = World::after(story);
    let visits =
        world.problems.iter().filter_map(|problem| problem.unused.as_ref()).filter(|unused| unused.kind == Kind::Visit);
    visits.inspect(|unused| assert_eq!(unused.duty, Some(Duty::Feed))).map(|unused| unused.about.clone()).collect()
}

#[test]
fn a_visit_under_another_number_is_a_possible_duplicate() {
    let known =
        visit(0, "1", Some("a"), &[("PV1-19", "urn:v", "77"), ("PID-18", "urn:acc", "5"), ("PV1-50", "urn:alt", "9")]);
    let other = |numbers: &[(&str, &str, &str)]| said(&[known.clone(), visit(10, "2", Some("b"), numbers)]);
    assert_eq!(other(&[("PV1-19", "urn:default", "77")]), ["PV1-19"]);
    assert_eq!(other(&[("PID-18", "urn:acc", "5")]), ["PID-18"]);
    assert_eq!(other(&[("PV1-19", "urn:alt", "9")]), ["PV1-50"]);
    assert!(
        other(&[("PV1-19", "urn:v", "78"), ("PID-18", "urn:acc", "5")]).is_empty(),
        "an account covers many visits"
    );
    assert!(other(&[("PV1-19", "urn:v", "78")]).is_empty());
}

#[test]
fn a_visit_without_a_number_is_said_and_a_results_is_not() {
    assert_eq!(said(&[visit(0, "1", None, &[])]), ["no visit number"]);
    let mut result = visit(0, "1", None, &[]);
    result.trigger = "R01";
    assert!(said(&[result]).is_empty());
}

#[test]
fn an_order_number_used_for_two_readings_is_said_and_a_correction_of_the_time_is_not() {
    let result = |minute, control, status, time: &str| {
        let value = json!({ "valueInteger": 91, "effectiveDateTime": time });
        message("R01", minute, control, "A").observation("O1", status, Some(minute), value)
    };
    let said = |second| {
        let world = World::after(&[result(0, "1", "final", "2026-03-02T10:05:00Z"), second]);
        let text = world.only("Observation").text("effectiveDateTime").unwrap().to_string();
        (text, world.problems.len())
    };
    assert_eq!(said(result(20, "2", "corrected", "2026-03-02T10:03:00Z")), ("2026-03-02T10:03:00Z".to_string(), 0));
    assert_eq!(said(result(20, "2", "final", "2026-03-02T11:00:00Z")), ("2026-03-02T11:00:00Z".to_string(), 1));
    assert_eq!(said(result(20, "2", "preliminary", "2026-03-02T11:00:00Z")), ("2026-03-02T10:05:00Z".to_string(), 0));
}
