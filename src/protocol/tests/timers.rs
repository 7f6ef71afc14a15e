//! Timers: work climbs exactly when it is due, and the engine says when to look again.

use jiff::SignedDuration;

use super::stage::{at, scene, tell, text_of, work_of};

#[test]
fn an_escalation_climbs_at_its_second_and_not_before() {
    let mut scene = scene("2026-03-02T10:00");
    tell(&mut scene, "{ observation: 59408-5, value: 82, unit: '%', at: '2026-03-02T10:00' }");
    assert_eq!(scene.wake_at, Some(at("2026-03-02T10:30")));
    scene.now = at("2026-03-02T10:30") - SignedDuration::from_secs(1);
    assert!(scene.look().changes.is_empty());
    assert_eq!(text_of(&work_of(&scene, "low"), "priority"), "asap");
    scene.now = at("2026-03-02T10:30");
    assert!(!scene.look().changes.is_empty());
    assert_eq!(text_of(&work_of(&scene, "low"), "priority"), "stat");
    assert_eq!(scene.wake_at, None);
}

#[test]
fn a_reading_that_waits_for_a_second_one_wakes_when_the_wait_is_over() {
    let mut scene = scene("2026-03-02T10:00");
    tell(&mut scene, "{ observation: 59408-5, value: 86, unit: '%', at: '2026-03-02T10:00' }");
    assert_eq!(scene.wake_at, Some(at("2026-03-02T10:15")));
    scene.now = at("2026-03-02T10:15") - SignedDuration::from_secs(1);
    assert!(scene.look().changes.is_empty());
    scene.now = at("2026-03-02T10:15");
    assert!(!scene.look().changes.is_empty());
    assert_eq!(work_of(&scene, "low").work.level.as_deref(), Some("escalation"));
    assert_eq!(scene.wake_at, Some(at("2026-03-02T10:45")));
}

#[test]
fn who_took_it_on_stops_the_climb_and_its_timer() {
    let mut scene = scene("2026-03-02T10:00");
    tell(
        &mut scene,
        "{ observation: 59408-5, value: 86, unit: '%', at: '2026-03-02T10:00' }
         { accept: low, at: '2026-03-02T10:29' }",
    );
    assert_eq!(scene.wake_at, None);
}

#[test]
fn a_follow_up_wakes_for_its_climb_then_for_its_end() {
    let mut scene = scene("2026-03-02T10:00");
    tell(&mut scene, "{ ed-arrival: '2026-03-02T10:00' }\n{ ed-discharge: '2026-03-02T14:00' }");
    assert_eq!(scene.wake_at, Some(at("2026-03-02T14:00") + SignedDuration::from_hours(5 * 24)));
    tell(&mut scene, "{ time: '2026-03-20T12:00' }");
    assert_eq!(text_of(&work_of(&scene, "contact"), "priority"), "urgent");
    assert_eq!(scene.wake_at, Some(at("2026-04-01T23:59:59")));
    tell(&mut scene, "{ time: '2026-04-02T00:00' }");
    assert_eq!(text_of(&work_of(&scene, "contact"), "status"), "cancelled");
    assert_eq!(scene.wake_at, None);
}

#[test]
fn an_answer_wakes_on_the_day_it_ages() {
    let mut scene = scene("2026-03-02T10:00");
    tell(
        &mut scene,
        "{ condition: J44.9 }
         { answer: programme, with: attended, at: '2026-03-02T10:00' }
         { answer: smoking, with: help-offered, at: '2026-03-02T10:00' }",
    );
    assert_eq!(scene.wake_at, Some(at("2026-03-02T10:00") + SignedDuration::from_hours(90 * 24)));
    assert_eq!(text_of(&work_of(&scene, "smoking"), "status"), "inactive");
    tell(&mut scene, "{ time: '2026-05-31T11:00' }");
    assert_eq!(text_of(&work_of(&scene, "smoking"), "status"), "active");
    assert_eq!(text_of(&work_of(&scene, "programme"), "status"), "inactive");
}

#[test]
fn a_birthday_that_changes_the_rules_is_a_reason_to_wake() {
    let mut scene = scene("2026-03-02T10:00");
    let text = "protocol: young\ntitle: Young\nfor: { age: { to: 75 } }\nplan: { title: Young }\n";
    let sources = [crate::yaml::Source::new("protocols/young.yaml", text)];
    let value_sets = std::sync::Arc::new(crate::fhir::ValueSets::default());
    let (set, problems) = crate::protocol::compile(&[], &sources, value_sets);
    assert_eq!(problems, []);
    scene.set = &set;
    let evaluation = set.evaluate(&scene.view());
    assert_eq!(evaluation.wake_at, Some(at("2026-06-15")));
}
