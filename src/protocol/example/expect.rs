//! What a story must have come to. Tasks and flags are listed whole; of cards, each rule that is named must have come up as
//! often as it is named.

use serde_json::Value;

use super::scene::Scene;
use crate::problem::Problem;
use crate::protocol::work::{Existing, Work, existing_work};
use crate::yaml::{Fields, Node};

/// Compares; each difference is a sentence.
pub fn compare(scene: &Scene<'_>, expect: &Node, problems: &mut Vec<Problem>) -> Vec<String> {
    let mut failures = Vec::new();
    let mut fields = Fields::of(expect, "what is expected");
    let existing: Vec<Existing<'_>> = existing_work(&scene.record, &mut Work::shared).into_values().flatten().collect();
    let of_type = |kind: &'static str| existing.iter().filter(move |work| work.stored.resource.resource_type() == kind);
    if fields.optional("tasks").is_some() {
        let left = take_tasks(of_type("Task").collect(), fields.list("tasks"), &mut failures, problems);
        failures.extend(left.into_iter().map(|work| format!("a task nobody expected: {}", describe(work))));
    }
    take_tasks(of_type("Task").collect(), fields.list("tasks-with"), &mut failures, problems);
    for rule in fields.texts("no-task") {
        let made = of_type("Task").filter(|work| work.work.rule == rule);
        failures.extend(made.map(|work| format!("there is a task {}", describe(work))));
    }
    let mut active: Vec<String> =
        of_type("Flag").filter(|flag| flag.status() == "active").map(|flag| flag.work.rule.clone()).collect();
    active.sort();
    if fields.optional("flags").is_some() {
        let mut wanted = fields.texts("flags");
        wanted.sort();
        if wanted != active {
            failures.push(format!("flags are [{}], expected [{}]", active.join(", "), wanted.join(", ")));
        }
    }
    for wanted in fields.texts("flags-with") {
        if !active.contains(&wanted) {
            failures.push(format!("no flag `{wanted}` is active; there are [{}]", active.join(", ")));
        }
    }
    if let Some(count) = fields.integer("plans", 0..=10) {
        let there = of_type("CarePlan").filter(|plan| plan.status() == "active").count();
        if i64::try_from(there).ok() != Some(count) {
            failures.push(format!("{there} active care plans, expected {count}"));
        }
    }
    if fields.optional("cards").is_some() {
        compare_cards(scene, &fields.texts("cards"), &mut failures);
    }
    if let Some(wanted) = fields.text("wake") {
        let there = scene.wake_at.map(|at| at.to_zoned(super::scene::zone()).strftime("%Y-%m-%dT%H:%M").to_string());
        if there.as_deref() != Some(wanted.as_str()) {
            failures.push(format!("wakes at {}, expected {wanted}", there.unwrap_or_else(|| "no time".to_string())));
        }
    }
    if fields.optional("unused").is_some() {
        compare_unused(scene, fields.texts("unused"), &mut failures);
    }
    fields.finish(problems);
    failures
}

/// The kinds of what rules said they could not use, each as often as it was said.
fn compare_unused(scene: &Scene<'_>, mut wanted: Vec<String>, failures: &mut Vec<String>) {
    let kinds = scene.unused.iter().filter_map(|problem| Some(problem.unused.as_ref()?.kind.word().to_string()));
    let mut said: Vec<String> = kinds.collect();
    said.sort();
    wanted.sort();
    if said != wanted {
        failures.push(format!("said to be unused are [{}], expected [{}]", said.join(", "), wanted.join(", ")));
    }
}

/// Takes each wanted task out of those there are; what is left nobody asked for.
fn take_tasks<'t, 'r>(
    mut there: Vec<&'t Existing<'r>>,
    wanted: Vec<&Node>,
    failures: &mut Vec<String>,
    problems: &mut Vec<Problem>,
) -> Vec<&'t Existing<'r>> {
    for node in wanted {
        let mut fields = Fields::of(node, "an expected task");
        let rule = fields.required_text("rule").unwrap_or_default();
        let asked: Vec<(&'static str, String)> = ["status", "due", "owner", "priority", "text", "reason", "note"]
            .into_iter()
            .filter_map(|key| Some((key, fields.text(key)?)))
            .collect();
        let gathered = fields.texts("gathers");
        fields.finish(problems);
        let fits = |work: &&Existing<'_>| {
            let holds = gathered.is_empty() || gathers(work) == gathered;
            work.work.rule == rule
                && holds
                && asked.iter().all(|(key, value)| shows(work, key).contains(value.as_str()))
        };
        match there.iter().position(fits) {
            Some(place) => {
                there.remove(place);
            }
            None => {
                let words: Vec<String> = asked.iter().map(|(key, value)| format!("{key} {value}")).collect();
                let found: Vec<String> = there.iter().map(|work| describe(work)).collect();
                failures.push(format!("no task {rule} ({}); there are [{}]", words.join(", "), found.join("; ")));
            }
        }
    }
    there
}

fn shows(work: &Existing<'_>, key: &str) -> String {
    let resource = &work.stored.resource;
    let text = match key {
        "due" => resource.get("restriction").and_then(|at| at.get("period")?.get("end")?.as_str()),
        "owner" => resource.get("owner").and_then(|owner| owner.get("display")?.as_str()),
        "text" => resource.text("description"),
        "reason" => resource.get("statusReason").and_then(|reason| reason.get("text")?.as_str()),
        "note" => resource.get("note").and_then(|notes| notes.as_array()?.last()?.get("text")?.as_str()),
        other => resource.get(other).and_then(Value::as_str),
    };
    text.unwrap_or_default().to_string()
}

/// What it holds together, as `1 goal`, in its order; `nothing` where that is all.
fn gathers(work: &Existing<'_>) -> Vec<String> {
    let inputs = work.stored.resource.get("input").and_then(Value::as_array).into_iter().flatten();
    let code = |input: &Value| Some(input.pointer("/type/coding/0/code")?.as_str()?.to_string());
    let mut counts: Vec<(String, usize)> = Vec::new();
    for code in inputs.filter_map(code) {
        match counts.iter_mut().find(|(known, _)| *known == code) {
            Some((_, count)) => *count += 1,
            None => counts.push((code, 1)),
        }
    }
    if counts.is_empty() {
        return vec!["nothing".to_string()];
    }
    counts.into_iter().map(|(code, count)| format!("{count} {code}")).collect()
}

fn describe(work: &Existing<'_>) -> String {
    let shown = ["status", "due", "owner", "priority"].map(|key| format!("{key} {}", shows(work, key)));
    let gathered = work.stored.resource.get("input").map(|_| format!(", gathers {}", gathers(work).join(" and ")));
    format!("{} ({}{})", work.work.rule, shown.join(", "), gathered.unwrap_or_default())
}

fn compare_cards(scene: &Scene<'_>, wanted: &[String], failures: &mut Vec<String>) {
    let shown: Vec<String> = scene.cards.clone();
    let ends_with = |card: &String, rule: &String| card == rule || card.ends_with(&format!("-{rule}"));
    for rule in wanted {
        let asked = wanted.iter().filter(|other| *other == rule).count();
        let came = shown.iter().filter(|card| ends_with(card, rule)).count();
        if asked != came {
            failures.push(format!("the card `{rule}` came up {came} times, expected {asked}"));
        }
    }
    if wanted.is_empty() && !shown.is_empty() {
        failures.push(format!("cards came up: {}", shown.join(", ")));
    }
    failures.dedup();
}
