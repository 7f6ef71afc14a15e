//! The stories' endings, said out.

use serde_json::{Value, json};

use super::super::Head;
use super::properties::stories;
use super::world::{World, message};
use crate::fhir::Resource;

fn ending(name: &str) -> World {
    let story = stories().into_iter().find(|(known, _)| *known == name).unwrap().1;
    World::after(&story)
}

fn codes(encounter: &Resource, list: &str, pointer: &str) -> Vec<String> {
    let items = encounter.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
    items.iter().map(|item| item.pointer(pointer).unwrap().as_str().unwrap().to_string()).collect()
}

#[test]
fn an_ed_visit_is_finished_with_its_stated_end_and_the_trace_says_why() {
    let world = ending("an ED visit");
    let encounter = world.only("Encounter");
    assert_eq!(encounter.text("status"), Some("finished"));
    assert_eq!(
        encounter.get("period"),
        Some(&json!({ "start": "2026-03-02T09:55:00Z", "end": "2026-03-02T12:00:00Z" }))
    );
    assert_eq!(codes(encounter, "statusHistory", "/status"), ["in-progress"]);
    assert!(world.notes.contains(&"finished at 2026-03-02T12:00:00Z: A03 from riverside".to_string()));
}

#[test]
fn an_admission_from_the_ed_keeps_both_classes_and_a_cancelled_discharge_is_undone() {
    let world = ending("an ED visit that becomes an admission by A06");
    let encounter = world.only("Encounter");
    assert_eq!(encounter.text("status"), Some("finished"));
    assert_eq!(encounter.get("class").unwrap()["code"], "IMP");
    assert_eq!(codes(encounter, "classHistory", "/class/code"), ["EMER"]);
    assert_eq!(codes(encounter, "statusHistory", "/status"), ["in-progress", "finished", "in-progress"]);
    assert_eq!(encounter.get("period").unwrap()["end"], "2026-03-02T20:00:00Z");
}

#[test]
fn a_cancelled_discharge_leaves_no_end() {
    let story = stories().into_iter().find(|(name, _)| name.ends_with("by A06")).unwrap().1;
    let world = World::after(&story[..5]);
    let encounter = world.only("Encounter");
    assert_eq!(encounter.text("status"), Some("in-progress"));
    assert_eq!(encounter.get("period").unwrap().get("end"), None);
}

#[test]
fn an_admission_from_the_ed_does_not_move_the_visits_beginning() {
    let world = ending("an ED visit that becomes an admission by A01");
    assert_eq!(world.only("Encounter").get("period").unwrap()["start"], "2026-03-02T09:55:00Z");
}

#[test]
fn a_cancelled_registration_stays_cancelled_whatever_comes_after() {
    let world = ending("a cancelled registration");
    assert_eq!(world.only("Encounter").text("status"), Some("cancelled"));
    assert!(world.notes.iter().any(|note| note.contains("which stands")));
}

#[test]
fn an_update_alone_means_a_visit_in_progress_and_a_late_admission_does_not_reopen_a_discharge() {
    let update = message("A08", 30, "2", "A").visit("V1", Some("EMER"), None, None);
    assert_eq!(World::after(std::slice::from_ref(&update)).only("Encounter").text("status"), Some("in-progress"));
    let discharge = message("A03", 60, "3", "A").visit("V1", Some("EMER"), None, None);
    let late = message("A04", 70, "4", "A").visit("V1", Some("EMER"), Some("2026-03-02T10:00:00Z"), None);
    let world = World::after(&[update, discharge, late]);
    assert_eq!(world.only("Encounter").text("status"), Some("finished"));
}

#[test]
fn a_correction_replaces_value_and_status_together_and_a_final_beats_a_preliminary_of_the_same_minute() {
    let story = stories().into_iter().find(|(name, _)| *name == "an observation corrected").unwrap().1;
    let world = World::after(&[story[1].clone(), story[0].clone()]);
    assert_eq!(world.only("Observation").get("valueInteger"), Some(&json!(86)));
    assert_eq!(world.only("Observation").get("valueString"), None);
    let world = World::after(&[story[2].clone(), story[1].clone(), story[0].clone()]);
    let observation = world.only("Observation");
    assert_eq!((observation.text("status"), observation.get("valueInteger")), (Some("corrected"), Some(&json!(96))));
}

#[test]
fn silence_keeps_what_was_said_and_a_deletion_stands_until_somebody_says_more() {
    let stated = message("A31", 0, "1", "A").patient_with("birthDate", json!("1950-01-01"));
    let deleted = message("A31", 10, "2", "A").deleting("birthDate");
    let silent = message("A31", 20, "3", "A");
    let world = World::after(&[deleted.clone(), silent.clone(), stated.clone()]);
    assert_eq!(world.only("Patient").get("birthDate"), None);
    let again = message("A31", 30, "4", "A").patient_with("birthDate", json!("1951-01-01"));
    let world = World::after(&[again, silent, stated, deleted]);
    assert_eq!(world.only("Patient").text("birthDate"), Some("1951-01-01"));
}

#[test]
fn an_identifier_or_a_security_label_is_never_lost_by_silence() {
    let first = message("A31", 0, "1", "A").patient_with("meta", json!({ "security": [{ "code": "R" }] }));
    let second = message("A31", 5, "2", "A").patient_with(
        "identifier",
        json!([{ "system": "urn:mrn", "value": "A", "use": "official" }, { "system": "urn:ssn", "value": "9" }]),
    );
    let world = World::after(&[second, first]);
    let patient = world.only("Patient");
    assert_eq!(patient.identifiers().len(), 2);
    assert_eq!(patient.get("identifier").unwrap()[0]["use"], "official");
    assert_eq!(patient.get("meta").unwrap()["security"], json!([{ "code": "R" }]));
}

#[test]
fn a_merge_leaves_the_prior_patient_inactive_and_every_resource_with_the_survivor() {
    let world = ending("a merge around both patients' visits");
    let (survivor, prior) = (world.patient("A"), world.patient("B"));
    let survivor_reference = format!("Patient/{}", survivor.id().unwrap());
    assert_eq!(prior.get("active"), Some(&json!(false)));
    assert_eq!(
        prior.get("link"),
        Some(&json!([{ "other": { "reference": survivor_reference }, "type": "replaced-by" }]))
    );
    assert_eq!(survivor.get("link").unwrap()[0]["type"], "replaces");
    for kind in ["Encounter", "Condition", "Observation"] {
        assert!(world.all(kind).iter().all(|one| one.reference("subject") == Some(survivor_reference.as_str())));
    }
    assert_eq!(world.all("Encounter").len(), 2);
}

#[test]
fn a_visit_that_goes_on_after_the_merge_is_one_visit_and_its_condition_follows_it() {
    let story = stories().into_iter().find(|(name, _)| name.starts_with("a visit that goes on")).unwrap().1;
    let world = World::after(&story[..3]);
    let encounter = world.only("Encounter");
    assert_eq!(encounter.text("status"), Some("finished"));
    let reference = format!("Encounter/{}", encounter.id().unwrap());
    assert_eq!(world.only("Condition").reference("encounter"), Some(reference.as_str()));
    let superseded = world
        .resources
        .values()
        .find(|stored| stored.state.superseded.is_some() && stored.resource.resource_type() == "Encounter");
    assert_eq!(superseded.unwrap().resource.text("status"), Some("entered-in-error"));
}

#[test]
fn a_merge_the_other_way_round_is_refused_and_the_first_stands() {
    let mut world = World::after(&[message("A40", 0, "1", "A").merging("B")]);
    let (heads, link) = (world.snapshot().0, world.patient("B").get("link").cloned());
    world.play(&message("A40", 10, "2", "B").merging("A"));
    assert_eq!(world.problems.len(), 1);
    assert_eq!((world.snapshot().0, world.patient("B").get("link").cloned()), (heads, link));
    world.play(&message("A40", 20, "3", "C").merging("B"));
    assert_eq!(world.problems.len(), 2, "who was merged elsewhere is not merged again");
    world.play(&message("A40", 30, "4", "A").merging("A"));
    assert_eq!(world.problems.len(), 3, "nobody is merged into oneself");
}

#[test]
fn a_head_survives_being_stored() {
    let world = ending("a chain of merges");
    for head in world.snapshot().0 {
        let read: Head = serde_json::from_value(head.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), head);
    }
}
