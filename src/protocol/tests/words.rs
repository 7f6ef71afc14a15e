//! What people read: why work exists, with values and thresholds; cards; and what is not loaded is not judged.

use super::stage::{SHIPPED, scene, tell, text_of, work_of};

#[test]
fn an_alert_says_value_threshold_and_where_the_threshold_comes_from() {
    let mut scene = scene("2026-03-02T10:00");
    tell(&mut scene, "{ condition: J44.1 }\n{ observation: 59408-5, value: 82, unit: '%', at: '2026-03-02T10:00' }");
    let task = work_of(&scene, "low");
    let why = task.stored.resource.get("reasonCode").unwrap()["text"].as_str().unwrap().to_string();
    for words in ["SpO2 82 %", "below 88", "escalation", "default thresholds"] {
        assert!(why.contains(words), "{words} is not in: {why}");
    }
    assert!(text_of(&task, "description").starts_with("Jane Doe: SpO2 82 % on Mon 2 Mar 2026, 10:00"));
    let told = scene.record.of_type("Provenance").any(|stored| {
        let text = serde_json::to_string(&stored.resource).unwrap();
        text.contains("SpO2 82 %") && text.contains("oxygen-saturation.yaml:") && text.contains("Observation/")
    });
    assert!(told, "no Provenance tells rule, line, reading and value");
}

#[test]
fn what_was_looked_at_and_not_owed_is_told_too() {
    let mut scene = scene("2026-03-02T10:00");
    tell(&mut scene, "{ ed-arrival: '2026-03-02T10:00' }\n{ ed-discharge: '2026-03-02T14:00' }");
    let decisions = scene.look().decisions;
    let of_visit = decisions.iter().find(|told| told.rule == "visit").unwrap();
    assert!(!of_visit.applied);
    assert!(of_visit.words.contains("0 of at least 2"), "{}", of_visit.words);
    assert!(of_visit.place.starts_with("built-in:protocols/ed-follow-up.yaml:"));
    assert!(of_visit.about.is_some());
}

#[test]
fn who_is_on_no_panel_is_owed_nothing_and_it_is_said() {
    let mut scene = scene("2026-03-02T10:00");
    scene.memberships.clear();
    tell(&mut scene, "{ ed-arrival: '2026-03-02T10:00' }");
    let evaluation = scene.look();
    assert!(evaluation.changes.is_empty());
    assert!(evaluation.decisions[0].words.contains("on no panel"));
}

#[test]
fn leaving_the_panel_takes_open_work_back() {
    let mut scene = scene("2026-03-02T10:00");
    tell(
        &mut scene,
        "{ ed-arrival: '2026-03-02T10:00' }
         { ed-discharge: '2026-03-02T14:00' }
         { leaves-panel: '2026-03-02T15:00' }",
    );
    let task = work_of(&scene, "contact");
    assert_eq!(text_of(&task, "status"), "cancelled");
    assert_eq!(
        task.stored.resource.get("statusReason").unwrap()["text"],
        "the patient is on no practice's panel any more"
    );
}

#[test]
fn cards_are_short_serious_first_and_carry_their_answers() {
    let mut scene = scene("2026-03-02T10:00");
    tell(&mut scene, "{ condition: J44.1 }\n{ observation: 59408-5, value: 86, unit: '%', at: '2026-03-02T10:00' }");
    let cards = SHIPPED.cards(&scene.view(), "patient-view");
    assert!(cards.iter().all(|card| card.summary.chars().count() <= 140));
    let first = serde_json::to_value(&cards[0]).unwrap();
    assert_eq!(first["indicator"], "critical");
    let programme = cards.iter().find(|card| card.summary.contains("programme")).unwrap();
    assert_eq!(programme.suggestions[0].uuid, format!("{}.offered", programme.uuid));
    assert_eq!(programme.override_reasons.len(), 2);
    assert!(SHIPPED.cards(&scene.view(), "order-sign").is_empty());
}

#[test]
fn an_alert_whose_readings_are_not_loaded_stays_as_it_is() {
    let mut scene = scene("2026-03-02T10:00");
    tell(&mut scene, "{ observation: 59408-5, value: 86, unit: '%', at: '2026-03-02T10:00' }");
    let before = work_of(&scene, "low").stored.clone();
    scene.record.resources.keep_newest_observations(0);
    scene.record.truncated = true;
    assert!(scene.look().changes.is_empty());
    scene.record.truncated = false;
    scene.look();
    let after = work_of(&scene, "low");
    assert_eq!((before.resource.text("status"), text_of(&after, "status").as_str()), (Some("requested"), "cancelled"));
}

#[test]
fn two_records_that_become_one_owe_each_question_once() {
    let mut scene = scene("2026-03-02T10:00");
    tell(&mut scene, "{ condition: J44.9 }");
    let flag = work_of(&scene, "programme").stored.clone();
    let other = crate::identity::PersonId::of(&crate::fhir::Identifier::new("urn:example:mrn", "4712"));
    let mut double = flag.clone();
    double.id.person = other;
    double.resource.set("id", serde_json::json!(double.id.to_string()));
    scene.record.apply(&crate::record::Change { replaces: 0, stored: double });
    scene.look();
    let active = scene.record.of_type("Flag").filter(|stored| {
        let code = stored.resource.get("code").unwrap()["text"].as_str().unwrap();
        code.contains("programme") && stored.resource.text("status") == Some("active")
    });
    assert_eq!(active.count(), 1);
}
