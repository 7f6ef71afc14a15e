//! Where a visit went and how it ended, said out.

use serde_json::{Value, json};

use super::properties::beds;
use super::world::{Message, World, at, message};

fn places(story: &[Message]) -> Vec<(String, String)> {
    let world = World::after(story);
    let places = world.only("Encounter").get("location").and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |place: &Value, pointer: &str| place.pointer(pointer).unwrap().as_str().unwrap().to_string();
    let bed = |place: &Value| text(place, "/location/reference").trim_start_matches("Location/").to_string();
    places.iter().map(|place| (bed(place), text(place, "/status"))).collect()
}

fn named(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(bed, status)| ((*bed).to_string(), (*status).to_string())).collect()
}

#[test]
fn a_transfer_keeps_the_bed_before_it_and_its_cancellation_goes_back_there() {
    let story = beds();
    assert_eq!(places(&story[..1]), named(&[("planned", "planned")]));
    assert_eq!(places(&story[..2]), named(&[("4W", "active")]));
    assert_eq!(places(&story[..3]), named(&[("4W", "completed"), ("ICU", "active")]));
    let moved = [("4W", "completed"), ("ICU", "completed"), ("5E", "active"), ("6N", "active")];
    assert_eq!(places(&story[..4]), named(&moved));
    assert_eq!(places(&story[..6]), named(&[("4W", "completed"), ("ICU", "active"), ("6N", "active")]));
    let encounter = World::after(&story[..4]);
    let stay = &encounter.only("Encounter").get("location").unwrap()[1]["period"];
    assert_eq!(stay, &json!({ "start": at(30).to_string(), "end": at(60).to_string() }));
}

#[test]
fn a_transfer_whose_beginning_nobody_told_names_the_bed_before() {
    assert_eq!(places(&beds()[2..3]), named(&[("4W", "completed"), ("ICU", "active")]));
}

#[test]
fn a_discharge_that_is_taken_back_takes_the_disposition_and_the_beds_end_with_it() {
    let story = beds();
    let disposition = |story: &[Message]| {
        let world = World::after(story);
        let told = world.only("Encounter").get("hospitalization").cloned();
        told.map(|told| told["dischargeDisposition"]["coding"][0]["code"].as_str().unwrap().to_string())
    };
    assert_eq!(disposition(&story[..7]).as_deref(), Some("01"));
    assert_eq!(places(&story[..7])[1], ("ICU".to_string(), "completed".to_string()));
    assert_eq!(disposition(&story[..9]), None);
    assert_eq!(places(&story[..9])[1], ("ICU".to_string(), "active".to_string()));
    assert_eq!(disposition(&story[..10]).as_deref(), Some("20"));
    assert_eq!(disposition(&story), None, "nothing but the disposition was deleted");
    assert_eq!(World::after(&story).only("Encounter").text("status"), Some("finished"));
}

#[test]
fn a_deleted_end_leaves_the_visit_ended_by_its_discharge() {
    let end = |minute| Some(at(minute).to_string());
    let discharge = message("A03", 120, "1", "A").visit("V1", None, None, end(110).as_deref());
    let update = message("A08", 130, "2", "A").visit("V1", None, None, None).visit_deleting("period.end");
    let world = World::after(&[update, discharge]);
    let encounter = world.only("Encounter");
    assert_eq!(encounter.text("status"), Some("finished"));
    assert_eq!(encounter.get("period").unwrap()["end"], json!(at(120).to_string()));
}

#[test]
fn results_alone_tell_of_no_visit_that_goes_on() {
    let result = message("R01", 0, "1", "A").visit("V1", Some("IMP"), None, None).place("PV1-3", "4W");
    let world = World::after(std::slice::from_ref(&result));
    assert_eq!(world.only("Encounter").text("status"), Some("unknown"));
    assert_eq!(world.only("Encounter").get("class").unwrap()["code"], "IMP");
    let update = message("A08", 5, "2", "A").visit("V1", None, None, None).place("PV1-3", "5E");
    let world = World::after(&[update.clone(), result.clone()]);
    assert_eq!(world.only("Encounter").text("status"), Some("in-progress"));
    assert_eq!(places(&[result, update]), named(&[("5E", "active")]));
}

#[test]
fn a_pending_place_stays_beside_the_only_bed() {
    let told = message("A01", 0, "1", "A").visit("V1", None, None, None).place("PV1-3", "4W").place("PV2-1", "5E");
    let update = message("A08", 10, "2", "A").visit("V1", None, None, None);
    let both = named(&[("4W", "active"), ("5E", "active")]);
    assert_eq!(places(&[told.clone(), update.clone(), update.clone()]), both);
    assert_eq!(places(&[update, told]), both);
}
