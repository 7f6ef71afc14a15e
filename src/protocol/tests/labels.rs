//! Labels flow: work is labelled as what it tells of is, whenever that becomes so.

use serde_json::{Value, json};

use super::stage::{SHIPPED, at, scene, tell, text_of, work_of};
use crate::fhir::{Resource, add_labels, labels_of, retain_labels};
use crate::protocol::example::scene::Scene;

const ACT: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";

/// Changes the resources of the record as they stand, without a new version.
fn edit(scene: &mut Scene<'_>, mut change: impl FnMut(&mut Resource)) {
    for (_, mut stored) in scene.record.resources.clone() {
        change(&mut stored.resource);
        scene.record.resources.put(stored);
    }
}

/// Gives a label to the resources of a type that have this somewhere in them, as a sender would.
fn label(scene: &mut Scene<'_>, kind: &str, part: &str, code: &str) {
    let fits = |resource: &Resource| {
        resource.resource_type() == kind && Value::from(resource.clone()).to_string().contains(part)
    };
    let mut found = 0;
    edit(scene, |resource| {
        if fits(resource) {
            found += 1;
            add_labels(resource, &[json!({ "system": ACT, "code": code })]);
        }
    });
    assert!(found > 0, "no {kind} with {part}");
}

/// The labels of the work with this in it, by type: one list for all of a type.
fn labels(scene: &Scene<'_>, kind: &str, part: &str) -> Vec<String> {
    let of_kind = scene.record.of_type(kind).map(|stored| &stored.resource);
    let with_part: Vec<_> =
        of_kind.filter(|resource| Value::from((*resource).clone()).to_string().contains(part)).collect();
    assert!(!with_part.is_empty(), "no {kind} with {part}");
    let all = with_part.into_iter().flat_map(labels_of);
    let mut codes: Vec<String> = all.map(|label| label["code"].as_str().unwrap().to_string()).collect();
    codes.sort();
    codes.dedup();
    codes
}

const NONE: [&str; 0] = [];

#[test]
fn a_call_is_labelled_as_the_diagnosis_that_is_its_reason_and_not_as_one_that_it_does_not_tell_of() {
    let mut scene = scene("2026-03-02T10:00");
    tell(
        &mut scene,
        "{ ed-arrival: '2026-03-02T10:00', diagnoses: [J45.901, L40.0] }\n{ ed-discharge: '2026-03-02T14:00' }",
    );
    label(&mut scene, "Condition", "L40.0", "SKIN");
    scene.look();
    assert_eq!(labels(&scene, "Task", "ed-follow-up"), NONE);
    label(&mut scene, "Condition", "J45.901", "LUNG");
    scene.look();
    assert_eq!(labels(&scene, "Task", "\"ed-follow-up\""), ["LUNG"]);
    assert_eq!(labels(&scene, "Provenance", "ed-follow-up"), ["LUNG"]);
}

#[test]
fn work_that_has_ended_is_labelled_too_with_what_people_said_of_it() {
    let mut scene = scene("2026-03-02T10:00");
    tell(
        &mut scene,
        "{ ed-arrival: '2026-03-02T10:00', reason: M54.5 }
         { ed-discharge: '2026-03-02T14:00' }
         { complete: contact, outcome: reached, at: '2026-03-03T09:00' }",
    );
    label(&mut scene, "Encounter", "M54.5", "BACK");
    scene.look();
    assert_eq!(labels(&scene, "Task", "reached"), ["BACK"]);
    assert_eq!(labels(&scene, "Provenance", "\"complete\""), ["BACK"], "who did what with it");
}

#[test]
fn what_ended_work_labels_it() {
    let mut scene = scene("2026-03-02T10:00");
    tell(
        &mut scene,
        "{ ed-arrival: '2026-03-02T10:00', reason: R07.9 }
         { ed-discharge: '2026-03-02T14:00' }
         { admission: '2026-03-02T16:00' }",
    );
    assert_eq!(labels(&scene, "Task", "\"cancelled\""), NONE);
    label(&mut scene, "Encounter", "\"IMP\"", "STAY");
    scene.look();
    assert_eq!(labels(&scene, "Task", "\"cancelled\""), ["STAY"], "its statusReason tells of the stay");
}

#[test]
fn alerts_plans_and_questions_are_labelled_as_readings_diagnoses_and_the_patient_are() {
    let mut scene = scene("2026-03-02T10:00");
    tell(&mut scene, "{ condition: J44.9 }\n{ observation: 59408-5, value: 79, unit: '%', at: '2026-03-02T10:00' }");
    label(&mut scene, "Observation", "79", "READING");
    scene.look();
    assert_eq!(labels(&scene, "Task", "alert"), ["READING"]);
    assert_eq!(labels(&scene, "Flag", "copd"), NONE);
    label(&mut scene, "Condition", "J44.9", "LUNG");
    scene.look();
    assert_eq!(labels(&scene, "Flag", "copd"), ["LUNG"]);
    assert_eq!(labels(&scene, "CarePlan", "assess-plan"), ["LUNG"]);
    label(&mut scene, "Patient", "Doe", "VIP");
    scene.look();
    for kind in ["Task", "Flag", "CarePlan", "Provenance"] {
        for stored in scene.record.of_type(kind) {
            let codes: Vec<&Value> = labels_of(&stored.resource).map(|label| &label["code"]).collect();
            assert!(codes.contains(&&json!("VIP")), "{kind}: {codes:?}");
        }
    }
}

#[test]
fn a_rule_for_a_sensitive_value_set_implies_its_label_whatever_the_evidence_is_labelled() {
    let implied = |sets: &[String], _: &[(String, String)]| {
        let is_about = sets.iter().any(|set| set == "substance-use");
        if is_about { vec![json!({ "system": ACT, "code": "ETH" })] } else { Vec::new() }
    };
    let set = SHIPPED.clone().implying(&implied);
    let mut scene = Scene::new(&set, at("2026-03-02T10:00"));
    tell(&mut scene, "{ ed-arrival: '2026-03-02T10:00', reason: F11.20 }\n{ ed-discharge: '2026-03-02T14:00' }");
    assert_eq!(labels(&scene, "Task", "ed-follow-up-substance-use"), ["ETH"]);
    assert_eq!(labels(&scene, "Task", "\"ed-follow-up\""), NONE);
}

#[test]
fn a_label_that_work_had_it_keeps_and_looking_again_writes_nothing() {
    let mut scene = scene("2026-03-02T10:00");
    tell(&mut scene, "{ ed-arrival: '2026-03-02T10:00', reason: R51 }\n{ ed-discharge: '2026-03-02T14:00' }");
    label(&mut scene, "Encounter", "R51", "HEAD");
    assert!(!scene.look().changes.is_empty());
    edit(&mut scene, |resource| {
        if resource.resource_type() == "Encounter" {
            let mut meta = resource.get("meta").cloned().unwrap();
            meta.as_object_mut().unwrap().shift_remove("security");
            resource.set("meta", meta);
        }
    });
    assert!(scene.look().changes.is_empty());
    assert_eq!(labels(&scene, "Task", "ed-follow-up"), ["HEAD"]);
    assert_eq!(scene.failures, Vec::<String>::new());
}

/// Takes every label off the resources of a type, as a look does.
fn unlabel(scene: &mut Scene<'_>, kind: &str) {
    edit(scene, |resource| {
        if resource.resource_type() == kind {
            retain_labels(resource, |_| false);
        }
    });
}

#[test]
fn work_that_nobody_owes_any_more_is_labelled_as_what_it_told_of_is() {
    let mut scene = scene("2026-03-02T10:00");
    tell(&mut scene, "{ ed-arrival: '2026-03-02T10:00', diagnoses: [J45.901] }\n{ ed-discharge: '2026-03-02T14:00' }");
    scene.memberships.clear();
    scene.look();
    assert_eq!(labels(&scene, "Task", "\"ed-follow-up\""), NONE);
    label(&mut scene, "Condition", "J45.901", "LUNG");
    scene.look();
    assert_eq!(labels(&scene, "Task", "\"ed-follow-up\""), ["LUNG"]);
    assert!(scene.look().changes.is_empty());
}

#[test]
fn the_hold_of_work_goes_with_the_look_and_no_label_that_has_another_reason() {
    let hold = json!({ "system": "https://handover.health/CodeSystem/label", "code": "not-looked-at" });
    let restricted = json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R" });
    for (patient_is_restricted, found, left) in
        [(false, None, vec![]), (true, None, vec!["R"]), (false, Some("LUNG"), vec!["LUNG"])]
    {
        let mut scene = scene("2026-03-02T10:00");
        let story =
            "{ ed-arrival: '2026-03-02T10:00', diagnoses: [J45.901, L40.0] }\n{ ed-discharge: '2026-03-02T14:00' }";
        tell(&mut scene, story);
        edit(&mut scene, |resource| match resource.resource_type() {
            "Condition" => _ = add_labels(resource, &[hold.clone(), restricted.clone()]),
            "Patient" if patient_is_restricted => _ = add_labels(resource, std::slice::from_ref(&restricted)),
            _ => {}
        });
        scene.look();
        assert_eq!(labels(&scene, "Task", "\"ed-follow-up\""), ["R", "not-looked-at"]);
        unlabel(&mut scene, "Condition");
        if let Some(found) = found {
            label(&mut scene, "Condition", "J45.901", found);
        }
        scene.look();
        assert_eq!(labels(&scene, "Task", "\"ed-follow-up\""), left);
        assert_eq!(labels(&scene, "Provenance", "ed-follow-up"), left);
        assert!(scene.look().changes.is_empty());
    }
}

#[test]
fn an_offer_says_why_it_was_declined_elsewhere_and_has_the_labels_of_what_says_it() {
    let mut scene = scene("2026-01-05T10:00");
    tell(
        &mut scene,
        "{ ed-arrival: '2026-01-05T10:00' }
         { ed-arrival: '2026-01-20T10:00' }
         { ed-arrival: '2026-02-05T10:00' }
         { ed-arrival: '2026-03-02T10:00', reason: F10.2 }",
    );
    let first = work_of(&scene, "offer-programme");
    assert!(!text_of(&first, "description").contains("last time"), "nobody was asked before");
    tell(
        &mut scene,
        "{ complete: offer-programme, outcome: 'not before spring', at: '2026-03-03T10:00' }
         { condition: I50.9, at: '2026-03-04' }
         { condition: N18.3, at: '2026-03-04' }
         { admission: '2026-03-05T10:00' }
         { discharge: '2026-03-07T10:00' }
         { admission: '2026-03-20T10:00' }",
    );
    let ward = work_of(&scene, "admitted-again");
    let text = text_of(&ward, "description");
    assert!(text.contains("The last time, Tue 3 Mar 2026, 10:00, it was closed: “not before spring”."), "{text}");
    assert_eq!(labels(&scene, "Task", "“not before spring”"), NONE);
    label(&mut scene, "Encounter", "F10.2", "ETH");
    scene.look();
    assert_eq!(labels(&scene, "Task", "“not before spring”"), ["ETH"]);
    assert!(scene.look().changes.is_empty());
}
