//! Alerts beyond what the shipped files' examples say: both sides in one series, what people saw, and what is said once.

use serde_json::json;

use super::stage::{at, scene, tell, text_of, work_of};
use crate::protocol::example::scene::Scene;
use crate::protocol::{ProtocolSet, compile};
use crate::unused::{Duty, Kind};
use crate::yaml::Source;

/// A protocol as a site would write it, with both sides of one series, a score, and a gain in weight.
fn own() -> ProtocolSet {
    let text = "\
protocol: watch
title: Watch
alerts:
  - id: pulse
    title: Pulse out of range
    text: '{patient}: {value} ({threshold})'
    series:
      - name: pulse
        code: { codes: [loinc 8867-4] }
        unit: '/min'
        plausible: { from: 20, to: 250 }
        warn: { above: 100, below: 50 }
        escalate: { above: 130, below: 40 }
        clear: { at-most: 95, at-least: 55 }
    warn: { readings: 1 of 1, respond: 1 d, chain: [ { owner: coach } ] }
    escalate: { readings: 1 of 1, respond: 1 h, chain: [ { owner: clinician } ] }
  - id: score
    title: Score
    text: '{patient}: {value}'
    series:
      - { name: score, code: { codes: [loinc 44261-6] }, unit: '{score}', plausible: { from: 0, to: 27 }, warn: { at-least: 10 }, clear: { below: 5 } }
    warn: { respond: 1 d, chain: [ { owner: coach } ] }
    escalate: { respond: 1 h, chain: [ { owner: clinician } ] }
  - id: weight
    title: Weight
    text: '{patient}: {value} ({threshold})'
    series:
      - name: weight
        code: { codes: [loinc 29463-7] }
        unit: kg
        plausible: { from: 30, to: 300 }
        change: { above-baseline: 2, over: 7 d, at-least: 3 }
        clear: { at-most: 290 }
    warn: { respond: 1 d, chain: [ { owner: coach } ] }
    escalate: { respond: 1 h, chain: [ { owner: clinician } ] }
";
    let value_sets = std::sync::Arc::new(crate::fhir::ValueSets::default());
    let (set, problems) = compile(&[], &[Source::new("protocols/watch.yaml", text)], value_sets);
    assert_eq!(problems, []);
    set
}

fn pulse(scene: &mut Scene<'_>, value: &str, time: &str) {
    tell(scene, &format!("{{ observation: 8867-4, value: '{value}', unit: /min, at: '2026-03-02T{time}' }}"));
}

#[test]
fn a_fast_pulse_is_not_ended_by_a_slow_one() {
    let set = own();
    let mut scene = Scene::new(&set, at("2026-03-02T08:00"));
    pulse(&mut scene, "110", "08:00");
    pulse(&mut scene, "45", "09:00");
    assert_eq!(text_of(&work_of(&scene, "pulse"), "status"), "requested");
    assert!(text_of(&work_of(&scene, "pulse"), "description").contains("pulse below 50 a minute"));
    pulse(&mut scene, "52", "10:00");
    assert_eq!(text_of(&work_of(&scene, "pulse"), "status"), "requested");
    pulse(&mut scene, "70", "11:00");
    assert_eq!(text_of(&work_of(&scene, "pulse"), "status"), "completed");
    pulse(&mut scene, "38", "12:00");
    assert_eq!(work_of(&scene, "pulse").work.level.as_deref(), Some("escalation"));
}

#[test]
fn a_comparator_ends_nothing_that_it_leaves_open() {
    let set = own();
    let mut scene = Scene::new(&set, at("2026-03-02T08:00"));
    pulse(&mut scene, "110", "08:00");
    pulse(&mut scene, "<95", "09:00");
    assert_eq!(text_of(&work_of(&scene, "pulse"), "status"), "requested");
    let said = scene.unused.last().unwrap().unused.clone().unwrap();
    assert_eq!((said.kind, said.about.as_str(), said.duty), (Kind::Rule, "watch/pulse", Some(Duty::Practice)));
    pulse(&mut scene, ">=131", "10:00");
    assert!(
        text_of(&work_of(&scene, "pulse"), "description").contains("pulse >=131 a minute (pulse above 130 a minute)")
    );
}

#[test]
fn a_score_needs_no_unit_and_a_range_counts_where_all_of_it_is_out() {
    let set = own();
    let mut scene = Scene::new(&set, at("2026-03-02T08:00"));
    tell(&mut scene, "{ observation: 44261-6, value: 12, at: '2026-03-02T08:00' }");
    assert_eq!(text_of(&work_of(&scene, "score"), "status"), "requested");
    let range = json!({ "low": { "value": 105, "code": "/min" }, "high": { "value": 115, "code": "/min" } });
    let coded = json!({ "coding": [{ "system": "http://loinc.org", "code": "8867-4" }] });
    scene.put(
        "Observation",
        "range",
        json!({ "status": "unknown", "code": coded, "effectiveDateTime": "2026-03-02T13:00:00Z", "valueRange": range }),
    );
    scene.look();
    assert!(text_of(&work_of(&scene, "pulse"), "description").contains("105 to 115 a minute"));
}

#[test]
fn a_gain_is_judged_by_the_persons_own_baseline() {
    let set = own();
    let mut scene = Scene::new(&set, at("2026-03-02T08:00"));
    let mut weigh = |value: f64, day: u32| {
        tell(
            &mut scene,
            &format!("{{ observation: 29463-7, value: {value}, unit: kg, at: '2026-03-{day:02}T08:00' }}"),
        );
    };
    weigh(80.0, 2);
    weigh(80.4, 3);
    weigh(79.8, 4);
    weigh(82.0, 5);
    assert!(text_of(&work_of(&scene, "weight"), "description").contains("2 kg or more above the person's own 80 kg"));
}

#[test]
fn what_a_partner_took_on_comes_back_when_it_becomes_worse() {
    let mut scene = scene("2026-03-02T10:00");
    tell(&mut scene, "{ observation: 59408-5, value: 91, unit: '%', at: '2026-03-02T10:00' }");
    let mut stored = work_of(&scene, "low").stored.clone();
    stored.resource.set("status", json!("in-progress"));
    stored.version += 1;
    scene.record.apply(&crate::record::Change { replaces: stored.version - 1, stored });
    tell(&mut scene, "{ observation: 59408-5, value: 90, unit: '%', at: '2026-03-02T12:00' }");
    assert_eq!(text_of(&work_of(&scene, "low"), "status"), "in-progress");
    tell(&mut scene, "{ observation: 59408-5, value: 81, unit: '%', at: '2026-03-02T13:00' }");
    let task = work_of(&scene, "low");
    assert_eq!((text_of(&task, "status"), task.work.acknowledged), ("requested".into(), None));
    let told: Vec<String> = scene
        .record
        .of_type("Provenance")
        .map(|stored| serde_json::to_string(&stored.resource).unwrap())
        .filter(|text| text.contains("requested") || text.contains("SpO2 81 %"))
        .collect();
    assert!(!told.is_empty(), "no Provenance tells that it came back");
    tell(&mut scene, "{ accept: low, at: '2026-03-02T13:05' }\n{ time: '2026-03-02T18:00' }");
    assert_eq!(text_of(&work_of(&scene, "low"), "status"), "accepted");
}

#[test]
fn every_status_counts_but_those_that_say_there_is_no_result() {
    for (status, raises) in [
        ("registered", true),
        ("preliminary", true),
        ("unknown", true),
        ("amended", true),
        ("cancelled", false),
        ("entered-in-error", false),
    ] {
        let mut scene = scene("2026-03-02T10:00");
        let step =
            format!("{{ observation: 59408-5, value: 80, unit: '%', status: {status}, at: '2026-03-02T10:00' }}");
        tell(&mut scene, &step);
        assert_eq!(scene.record.of_type("Task").count() == 1, raises, "{status}");
    }
}

#[test]
fn what_cannot_be_used_is_said_when_it_comes_and_not_each_time_it_is_looked_at() {
    let mut scene = scene("2026-03-02T10:00");
    tell(&mut scene, "{ observation: 8480-6, value: 190, unit: furlong, at: '2026-03-02T10:00' }");
    // Both rules of the file watch it, and it is said once.
    assert_eq!(scene.unused.len(), 1);
    let said = scene.unused[0].unused.clone().unwrap();
    assert_eq!((said.kind, said.about.as_str(), said.duty), (Kind::Reading, "LN 8480-6 furlong", Some(Duty::Feed)));
    assert!(!scene.unused[0].text.contains("190"));
    scene.now = at("2026-03-02T11:00");
    let evaluation = scene.look();
    assert_eq!(evaluation.unused, []);
    assert!(evaluation.decisions.iter().any(|told| told.words.contains("furlong cannot be converted to mm[Hg]")));
}

#[test]
fn a_reading_without_a_time_is_said() {
    let mut scene = scene("2026-03-02T10:00");
    let content = json!({ "status": "final",
        "code": { "coding": [{ "system": "http://loinc.org", "code": "59408-5" }] },
        "valueQuantity": { "value": 80, "code": "%" } });
    scene.put("Observation", "timeless", content);
    let unused = scene.look().unused;
    assert_eq!(unused.len(), 1);
    assert!(unused[0].text.contains("it has no time"), "{}", unused[0].text);
}

#[test]
fn a_ward_that_becomes_known_later_takes_its_alert_back_and_says_why() {
    let mut scene = scene("2026-03-02T10:00");
    let person = scene.record.head.person;
    let stay = crate::identity::ResourceId::of(person, "Encounter", "stay");
    let content = json!({ "status": "final", "effectiveDateTime": at("2026-03-02T10:00").to_string(),
        "encounter": { "reference": format!("Encounter/{stay}") },
        "code": { "coding": [{ "system": "http://loinc.org", "code": "59408-5" }] },
        "valueQuantity": { "value": 80, "code": "%" } });
    scene.put("Observation", "ward", content);
    scene.look();
    assert_eq!(text_of(&work_of(&scene, "low"), "status"), "requested");
    scene.put("Encounter", "stay", json!({ "status": "in-progress", "class": { "code": "IMP" } }));
    let evaluation = scene.look();
    let task = work_of(&scene, "low");
    assert_eq!(task.stored.resource.get("statusReason").unwrap()["text"], "the reading was taken in a hospital stay");
    assert!(
        evaluation
            .decisions
            .iter()
            .any(|told| told.words.starts_with("A reading was left aside, taken in a hospital stay"))
    );
}

#[test]
fn a_reading_that_somebody_took_on_while_it_waited_stays_theirs_when_another_comes() {
    let mut scene = scene("2026-03-02T10:00");
    tell(
        &mut scene,
        "{ observation: 59408-5, value: 87, unit: '%', at: '2026-03-02T10:00' }
         { accept: low, at: '2026-03-02T10:05' }
         { observation: 59408-5, value: 86, unit: '%', at: '2026-03-02T13:00' }",
    );
    let task = work_of(&scene, "low");
    assert_eq!((text_of(&task, "status"), task.work.level.as_deref()), ("requested".into(), Some("unconfirmed")));
    assert_eq!(scene.wake_at, Some(at("2026-03-02T13:15")));
}

#[test]
fn what_was_closed_stays_closed_when_its_sitting_goes_on() {
    let mut scene = scene("2026-03-02T10:00");
    tell(
        &mut scene,
        "{ observation: 59408-5, value: 82, unit: '%', at: '2026-03-02T10:00' }
         { complete: low, at: '2026-03-02T10:02' }
         { observation: 59408-5, value: 95, unit: '%', at: '2026-03-02T10:03' }",
    );
    assert_eq!(scene.record.of_type("Task").count(), 1);
    tell(&mut scene, "{ observation: 59408-5, value: 81, unit: '%', at: '2026-03-02T10:04' }");
    assert_eq!(scene.record.of_type("Task").count(), 2);
}

#[test]
fn what_is_corrected_to_worse_after_it_was_closed_is_asked_anew() {
    let mut scene = scene("2026-03-02T10:00");
    tell(
        &mut scene,
        "{ observation: 59408-5, id: one, value: 90, unit: '%', at: '2026-03-02T10:00' }
         { complete: low, at: '2026-03-02T10:20' }
         { observation: 59408-5, id: one, value: 80, unit: '%', status: corrected, at: '2026-03-02T10:00' }
         { time: '2026-03-02T10:40' }",
    );
    let open = scene.record.of_type("Task").filter(|task| task.resource.text("status") == Some("requested"));
    assert_eq!(open.count(), 1);
}
