//! What rules cannot judge is said once, by the input that stated it, and to whom it is work.

use serde_json::json;

use super::stage::{at, scene, tell, work_of};
use crate::unused::{Duty, Kind};

fn said(scene: &mut crate::protocol::example::scene::Scene<'_>) -> Vec<(Kind, String, Option<Duty>)> {
    let unused = scene.look().unused;
    unused.into_iter().filter_map(|problem| problem.unused).map(|it| (it.kind, it.about, it.duty)).collect()
}

#[test]
fn a_discharge_whose_class_nobody_told_is_work_for_the_practice() {
    let mut scene = scene("2026-03-02T10:00");
    let period = json!({ "start": at("2026-03-02T08:00").to_string(), "end": at("2026-03-02T10:00").to_string() });
    scene.put("Encounter", "v", json!({ "status": "finished", "class": { "code": "UNK" }, "period": period }));
    assert_eq!(said(&mut scene), [(Kind::Visit, "PV1-2".to_string(), Some(Duty::Practice))]);
    scene.pass_until(at("2026-03-02T11:00"));
    assert_eq!(said(&mut scene), [], "it was said by the input that told it");
}

#[test]
fn a_diagnosis_without_a_code_system_is_work_for_the_feed_and_one_in_words_is_none() {
    let mut scene = scene("2026-03-02T10:00");
    scene.put("Condition", "words", json!({ "code": { "text": "Back pain" } }));
    assert_eq!(said(&mut scene), []);
    scene.put("Condition", "bare", json!({ "code": { "coding": [{ "code": "M54.50" }] } }));
    assert_eq!(said(&mut scene), [(Kind::Diagnosis, "DG1-3.3".to_string(), Some(Duty::Feed))]);
}

#[test]
fn a_death_that_the_patients_own_data_deny_still_ends_the_work_and_is_said() {
    let mut scene = scene("2026-03-02T10:00");
    tell(&mut scene, "{ ed-arrival: '2026-03-02T10:00' }\n{ ed-discharge: '2026-03-02T14:00', disposition: '20' }");
    assert_eq!(said(&mut scene), [], "PID-30 that says nothing denies nothing");
    scene.put("Patient", "", json!({ "birthDate": "1950-06-15", "deceasedBoolean": false }));
    assert_eq!(said(&mut scene), [(Kind::Visit, "PV1-36 against PID-30".to_string(), Some(Duty::Practice))]);
    assert_eq!(work_of(&scene, "arrival").status(), "cancelled");
}

#[test]
fn a_visit_after_the_death_is_said_and_owes_nothing() {
    let mut scene = scene("2026-03-02T10:00");
    tell(
        &mut scene,
        "{ ed-arrival: '2026-03-02T10:00' }
         { ed-discharge: '2026-03-02T14:00', disposition: '41' }
         { ed-arrival: '2026-03-05T10:00' }",
    );
    assert_eq!(said(&mut scene), [(Kind::Visit, "PV1-36 against PID-30".to_string(), Some(Duty::Practice))]);
}

#[test]
fn a_date_of_birth_without_a_day_is_said_because_rules_by_age_do_not_count_the_patient() {
    let mut scene = scene("2026-03-02T10:00");
    scene.put("Patient", "", json!({ "birthDate": "1950-06" }));
    assert_eq!(said(&mut scene), [(Kind::Identity, "PID-7 without a day".to_string(), Some(Duty::Practice))]);
    scene.pass_until(at("2026-03-02T11:00"));
    assert_eq!(said(&mut scene), []);
}
