//! The same statements in any order leave the same work open.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::stage::{SHIPPED, at};
use crate::protocol::example::scene::Scene;
use crate::protocol::work::existing_work;

/// Statements about one patient within two days: resources as the record holds them in the end.
fn statements() -> Vec<(&'static str, &'static str, Value)> {
    let encounter = |status: &str, class: &str, start: &str, end: &str| json!({ "status": status, "class": { "code": class }, "period": { "start": at(start).to_string(), "end": at(end).to_string() }, "serviceProvider": { "display": if class == "AMB" { "Practice" } else { "Hospital" } } });
    let condition =
        |code: &str| json!({ "code": { "coding": [{ "system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code }] } });
    let saturation = |value: f64, time: &str| {
        json!({ "status": "final", "effectiveDateTime": at(time).to_string(),
            "code": { "coding": [{ "system": "http://loinc.org", "code": "59408-5" }] },
            "valueQuantity": { "value": value, "code": "%" } })
    };
    let pressure = |value: i64, time: &str| {
        json!({ "status": "final", "effectiveDateTime": at(time).to_string(),
            "code": { "coding": [{ "system": "http://loinc.org", "code": "8480-6" }] },
            "valueQuantity": { "value": value, "code": "mm[Hg]" } })
    };
    vec![
        ("Encounter", "ed-1", encounter("finished", "EMER", "2026-03-02T08:00", "2026-03-02T12:00")),
        ("Encounter", "imp-1", encounter("finished", "IMP", "2026-03-02T12:30", "2026-03-02T20:00")),
        ("Encounter", "ed-2", encounter("finished", "EMER", "2026-03-03T08:00", "2026-03-03T09:00")),
        ("Encounter", "amb-1", encounter("finished", "AMB", "2026-03-03T15:00", "2026-03-03T16:00")),
        ("Condition", "copd", condition("J44.9")),
        ("Condition", "heart", condition("I50.9")),
        ("Observation", "s1", saturation(86.0, "2026-03-03T10:00")),
        ("Observation", "s2", saturation(93.0, "2026-03-03T11:00")),
        ("Observation", "p1", pressure(150, "2026-03-03T08:00")),
        ("Observation", "p2", pressure(130, "2026-03-03T09:00")),
        ("Observation", "p3", pressure(130, "2026-03-03T09:30")),
        ("Observation", "p4", pressure(150, "2026-03-03T10:00")),
    ]
}

/// What is open or was done, by rule and anchor; alerts by rule alone, for the reading they hang on depends on what came first.
fn outcome(order: &[(&str, &str, Value)]) -> BTreeSet<String> {
    let mut scene = Scene::new(&SHIPPED, at("2026-03-03T17:00"));
    for (kind, key, content) in order {
        scene.now += SignedDuration::from_secs(1);
        scene.put(kind, key, content.clone());
        scene.look();
    }
    assert_eq!(scene.failures, Vec::<String>::new());
    let mut found = BTreeSet::new();
    for work in existing_work(&scene.record).into_values().flatten() {
        let status = work.status();
        let by_itself = work.work.rule == "arrival" || work.work.level.is_some();
        if status == "cancelled" || (status == "completed" && by_itself) {
            continue;
        }
        let anchor = if work.work.level.is_some() { "" } else { work.work.anchor.as_str() };
        found.insert(format!("{}/{}/{anchor} {status}", work.work.protocol, work.work.rule));
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_statements_leaves_the_same_work(order in Just(statements()).prop_shuffle()) {
        prop_assert_eq!(outcome(&order), outcome(&statements()));
    }
}

#[test]
fn the_story_in_its_natural_order_owes_what_a_nurse_would_expect() {
    let rules: BTreeSet<String> = outcome(&statements())
        .iter()
        .filter(|line| line.contains("requested") || line.contains("completed"))
        .map(|line| {
            let mut parts = line.split(['/', ' ']);
            format!("{} {}", parts.nth(1).unwrap(), parts.next_back().unwrap())
        })
        .collect();
    assert_eq!(
        rules.iter().map(String::as_str).collect::<Vec<_>>(),
        ["contact completed", "low requested", "visit completed"]
    );
}
