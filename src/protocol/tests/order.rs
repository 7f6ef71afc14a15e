//! The same statements in any order leave the same work open.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::stage::{SHIPPED, at};
use crate::protocol::Action;
use crate::protocol::example::scene::Scene;
use crate::protocol::work::{Existing, Work, existing_work};

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
    outcome_at("2026-03-03T17:00", order)
}

fn outcome_at(now: &str, order: &[(&str, &str, Value)]) -> BTreeSet<String> {
    let mut scene = Scene::new(&SHIPPED, at(now));
    for (kind, key, content) in order {
        scene.now += SignedDuration::from_secs(1);
        scene.put(kind, key, content.clone());
        scene.look();
    }
    assert_eq!(scene.failures, Vec::<String>::new());
    let mut found = BTreeSet::new();
    let all: Vec<_> = existing_work(&scene.record, &mut Work::shared).into_values().flatten().collect();
    for work in &all {
        // What was owed and done by what was known then stays done, though another rule asks for the same now.
        let rule = scene.set.protocol(&work.work.protocol).unwrap().tasks.iter().find(|rule| rule.id == work.work.rule);
        let is_covered = rule.is_some_and(|rule| all.iter().any(|other| is_at(other, &work.work, &rule.covered_by)));
        if is_covered {
            continue;
        }
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

/// Work of one of these rules for the same trigger.
fn is_at(other: &Existing<'_>, work: &Work, rules: &[String]) -> bool {
    let same = other.work.protocol == work.protocol && other.work.anchor == work.anchor;
    same && rules.contains(&other.work.rule)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_statements_leaves_the_same_work(order in Just(statements()).prop_shuffle()) {
        prop_assert_eq!(outcome(&order), outcome(&statements()));
    }
}

/// Pressures of one day, of which some are serious; told in this order, with the alert taken on as soon as so many are told.
fn taken_on_after(told: usize, order: &[(i64, &str)]) -> (String, String, usize) {
    let mut scene = Scene::new(&SHIPPED, at("2026-03-03T17:00"));
    for (place, (value, time)) in order.iter().enumerate() {
        scene.now += SignedDuration::from_secs(1);
        let content = json!({ "status": "final", "effectiveDateTime": at(time).to_string(),
            "code": { "coding": [{ "system": "http://loinc.org", "code": "8480-6" }] },
            "valueQuantity": { "value": value, "code": "mm[Hg]" } });
        scene.put("Observation", time, content);
        scene.look();
        let open = existing_work(&scene.record, &mut Work::shared)
            .into_values()
            .flatten()
            .find(|work| work.status() == "requested");
        if place + 1 == told
            && let Some(id) = open.map(|work| work.stored.id)
        {
            scene.now += SignedDuration::from_secs(1);
            let taken = scene.set.act(&scene.record, id, &Action::Accept, "Nurse Kim", scene.now).unwrap();
            taken.iter().for_each(|change| scene.record.apply(change));
            scene.look();
        }
    }
    assert_eq!(scene.failures, Vec::<String>::new());
    let alerts: Vec<_> = existing_work(&scene.record, &mut Work::shared).into_values().flatten().collect();
    assert_eq!(alerts.len(), 1);
    let alert = &alerts[0];
    (alert.status().to_string(), alert.work.level.clone().unwrap(), alert.work.seen.len())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn who_took_an_alert_on_is_asked_again_by_what_they_did_not_see_in_any_order(
        before in Just(vec![(150, "2026-03-03T07:00"), (152, "2026-03-03T08:00"), (222, "2026-03-03T08:30")]).prop_shuffle(),
        after in Just(vec![(154, "2026-03-03T09:00"), (188, "2026-03-03T10:00"), (225, "2026-03-03T11:00"), (130, "2026-03-03T12:00")]).prop_shuffle(),
    ) {
        let mild: Vec<(i64, &str)> = after.iter().copied().filter(|(value, _)| *value < 180).collect();
        let all = [before.clone(), after].concat();
        prop_assert_eq!(taken_on_after(3, &all), ("requested".into(), "escalation".into(), 6));
        let all = [before, mild].concat();
        prop_assert_eq!(taken_on_after(3, &all), ("accepted".into(), "escalation".into(), 4));
    }
}

/// A finished visit, with how it ended.
fn left(class: &str, start: &str, end: &str, disposition: &str) -> Value {
    json!({ "status": "finished", "class": { "code": class }, "period": { "start": at(start).to_string(), "end": at(end).to_string() },
        "serviceProvider": { "display": if class == "AMB" { "Practice" } else { "Hospital" } },
        "hospitalization": { "dischargeDisposition": { "coding": [
            { "system": "https://www.nubc.org/CodeSystem/PatDischargeStatus", "code": disposition }] } } })
}

fn of_rule(all: &BTreeSet<String>, rule: &str) -> Vec<String> {
    let own = all.iter().filter(|line| line.starts_with(&format!("ed-follow-up/{rule}/")));
    own.map(|line| line.rsplit(' ').next().unwrap().to_string()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn who_was_seen_after_two_departures_is_asked_for_neither_in_any_order(order in Just(vec![
        ("Encounter", "first", left("EMER", "2026-09-01T10:00", "2026-09-01T12:00", "07")),
        ("Encounter", "second", left("EMER", "2026-09-05T10:00", "2026-09-05T12:00", "07")),
        ("Encounter", "seen", left("AMB", "2026-09-10T10:00", "2026-09-10T11:00", "01")),
    ]).prop_shuffle()) {
        let all = outcome_at("2026-09-11T10:00", &order);
        prop_assert_eq!(of_rule(&all, "left-early"), ["completed"], "{:?}", all);
    }
}

#[test]
fn who_was_seen_while_one_visit_lasted_was_not_seen_after_another_within_it() {
    let all = outcome_at(
        "2026-09-06T18:00",
        &[
            ("Encounter", "long", left("EMER", "2026-09-03T08:00", "2026-09-06T12:00", "01")),
            ("Encounter", "seen", left("AMB", "2026-09-03T20:00", "2026-09-03T20:30", "01")),
            ("Encounter", "within", left("EMER", "2026-09-05T10:00", "2026-09-05T12:00", "01")),
        ],
    );
    let mut told = of_rule(&all, "contact");
    told.sort();
    assert_eq!(told, ["completed", "requested"], "{all:?}");
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
        ["contact completed", "low requested", "medicines requested", "visit completed", "visit-7 completed"]
    );
}
