//! What the yearly review holds together, of all protocols at once.

use serde_json::{Value, json};

use super::stage::{SHIPPED, at, scene, tell, work_of};
use crate::fhir::{add_labels, labels_of};
use crate::protocol::example::scene::Scene;
use crate::protocol::tests::stage::text_of;

/// What it holds, by the types of what it refers to.
fn held(scene: &Scene<'_>, code: &str) -> Vec<String> {
    let review = work_of(scene, "review");
    let inputs = review.stored.resource.get("input").and_then(Value::as_array).cloned().unwrap_or_default();
    let of_code = inputs.iter().filter(|input| input["type"]["coding"][0]["code"] == code);
    of_code.map(|input| input["valueReference"]["reference"].as_str().unwrap().to_string()).collect()
}

fn lived() -> Scene<'static> {
    let mut scene = scene("2026-03-01T08:00");
    tell(
        &mut scene,
        "{ condition: J44.9, at: '2026-03-01' }
         { condition: E11.9, at: '2026-03-01' }
         { observation: 59408-5, value: 86, unit: '%', at: '2026-03-02T08:00' }
         { observation: 59408-5, value: 95, unit: '%', at: '2026-03-04T08:00' }
         { ed-arrival: '2026-04-02T08:00', reason: J44.1 }
         { ed-discharge: '2026-04-02T18:00' }
         { ed-arrival: '2026-05-02T08:00', reason: M54.5 }
         { ed-discharge: '2026-05-02T18:00' }
         { time: '2026-06-15T09:00' }",
    );
    scene
}

#[test]
fn a_review_holds_the_questions_of_all_protocols_until_they_are_answered() {
    let mut scene = lived();
    let waiting = SHIPPED.look(&scene.view()).questions;
    let flags: std::collections::BTreeSet<String> = waiting.iter().map(|one| format!("Flag/{}", one.flag)).collect();
    assert!(
        waiting.iter().any(|one| one.title.contains("diabetes"))
            && waiting.iter().any(|one| one.title.contains("COPD"))
    );
    assert_eq!(held(&scene, "question").into_iter().collect::<std::collections::BTreeSet<_>>(), flags);
    assert_eq!(
        (held(&scene, "reading").len(), held(&scene, "event").len()),
        (1, 3),
        "two visits and the alert of 86 %"
    );
    tell(&mut scene, "{ answer: smoking, with: does-not-smoke, at: '2026-06-16T09:00' }");
    assert_eq!(held(&scene, "question").len(), flags.len() - 1);
    tell(&mut scene, "{ complete: review, outcome: reviewed, at: '2026-06-17T09:00' }");
    let then = held(&scene, "question");
    tell(&mut scene, "{ answer: action-plan, with: agreed, at: '2026-06-18T09:00' }");
    assert_eq!(held(&scene, "question"), then, "what was reviewed is not rewritten afterwards");
}

#[test]
fn what_has_a_label_is_not_held_and_does_not_label_the_review() {
    let mut scene = lived();
    let label = json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "SDV" });
    let visit = held(&scene, "event").into_iter().find(|name| name.starts_with("Encounter/")).unwrap();
    for (_, mut stored) in scene.record.resources.clone() {
        if format!("{}/{}", stored.resource.resource_type(), stored.id) == visit {
            add_labels(&mut stored.resource, std::slice::from_ref(&label));
            scene.record.resources.put(stored);
        }
    }
    scene.look();
    assert_eq!(held(&scene, "event").len(), 2);
    assert_eq!(scene.failures, Vec::<String>::new());
    let review = work_of(&scene, "review");
    assert!(text_of(&review, "description").contains("2 emergency visits, stays and alerts. What is for fewer eyes"));
    assert_eq!(labels_of(&review.stored.resource).count(), 1, "its earlier version told of the visit");
    // One that is made when the label is there has none.
    let mut scene = super::stage::scene("2026-03-01T08:00");
    tell(
        &mut scene,
        "{ condition: J44.9, at: '2026-03-01' }
         { ed-arrival: '2026-05-02T08:00', reason: M54.5 }
         { ed-discharge: '2026-05-02T18:00' }",
    );
    for (_, mut stored) in scene.record.resources.clone() {
        if stored.resource.resource_type() == "Encounter" {
            add_labels(&mut stored.resource, std::slice::from_ref(&label));
            scene.record.resources.put(stored);
        }
    }
    scene.pass_until(at("2026-06-15T09:00"));
    assert_eq!((held(&scene, "event"), labels_of(&work_of(&scene, "review").stored.resource).count()), (vec![], 0));
}

#[test]
fn a_long_list_is_cut_and_said_to_be() {
    let mut scene = scene("2026-03-01T08:00");
    tell(&mut scene, "{ condition: J44.9, at: '2026-03-01' }");
    for number in 0..103 {
        let content = json!({ "status": "final", "code": { "text": format!("measure {number}") }, "effectiveDateTime": "2026-03-02",
            "valueString": "x" });
        scene.put("Observation", &format!("o{number}"), content);
    }
    scene.pass_until(at("2026-06-15T09:00"));
    let review = work_of(&scene, "review");
    assert_eq!(held(&scene, "reading").len(), 100);
    assert!(text_of(&review, "description").contains("the first 100 of 103 kinds of readings"));
}
