//! What differs between what one message comes to under two sites. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::elements::{codes, elements};
use super::tally::{Difference, Part};
use crate::pipeline::Trial;
use crate::store::NewDelivery;

/// Elements of one thing that are told in its line.
const MOST_TOLD: usize = 6;

/// All that differs for a patient nobody has seen.
pub fn differ(before: &Trial, after: &Trial) -> Vec<Difference> {
    let mut found = answers(before, after);
    problems(before, after, &mut found);
    unmapped(before, after, &mut found);
    resources(before, after, &mut found);
    deliveries(before, after, &mut found);
    found
}

fn answers(before: &Trial, after: &Trial) -> Vec<Difference> {
    if before.code == after.code {
        return Vec::new();
    }
    let why = |trial: &Trial| trial.problems.iter().find(|problem| problem.is_error()).map(|error| error.text.clone());
    let what = why(after).or_else(|| why(before)).unwrap_or_else(|| after.event.clone());
    vec![(Part::Answers, format!("{} → {}", before.code.text(), after.code.text()), what)]
}

fn problems(before: &Trial, after: &Trial, found: &mut Vec<Difference>) {
    let told = |trial: &Trial| -> BTreeSet<(String, String)> {
        trial.problems.iter().map(|problem| (problem.text.clone(), problem.place.to_string())).collect()
    };
    let (old, new) = (told(before), told(after));
    let line =
        |(text, place): &(String, String), word: &str| (Part::Problems, format!("{text} ({word})"), place.clone());
    found.extend(old.difference(&new).map(|one| line(one, "no longer")));
    found.extend(new.difference(&old).map(|one| line(one, "new")));
}

/// Codes that a table answers now, or no longer.
fn unmapped(before: &Trial, after: &Trial, found: &mut Vec<Difference>) {
    let (old, new): (BTreeSet<_>, BTreeSet<_>) = (before.unmapped.iter().collect(), after.unmapped.iter().collect());
    let line = |(table, code): &(String, String), word: &str| {
        (Part::Codes, format!("{table} {code}: {word}"), format!("the table `{table}`"))
    };
    found.extend(old.difference(&new).map(|one| line(one, "answered")));
    found.extend(new.difference(&old).map(|one| line(one, "without an answer")));
}

fn resources(before: &Trial, after: &Trial, found: &mut Vec<Difference>) {
    let by_path = |trial: &'_ Trial| -> BTreeMap<String, Value> {
        trial.resources.iter().map(|resource| (path(resource), resource.clone())).collect()
    };
    let (old, new) = (by_path(before), by_path(after));
    for (path, old) in &old {
        if let Some(new) = new.get(path) {
            changed(path, old, new, found);
        }
    }
    let only = |one: &BTreeMap<String, Value>, other: &BTreeMap<String, Value>| {
        let mut kinds: BTreeMap<String, Vec<(String, Value)>> = BTreeMap::new();
        for (path, resource) in one.iter().filter(|(path, _)| !other.contains_key(*path)) {
            kinds.entry(kind(resource).to_string()).or_default().push((path.clone(), resource.clone()));
        }
        kinds
    };
    let (gone, mut come) = (only(&old, &new), only(&new, &old));
    for (kind, mut gone) in gone {
        let mut come = come.remove(&kind).unwrap_or_default();
        // As many of each: the same things, whose ids are made of something that changed. By what they say, for ids stand in no order.
        if kind != "Task" && come.len() == gone.len() {
            gone.sort_by_cached_key(|(_, resource)| without_id(resource));
            come.sort_by_cached_key(|(_, resource)| without_id(resource));
            gone.iter().zip(&come).for_each(|(old, new)| renamed(old, new, found));
            continue; // Nothing lost: they are told as pairs.
        }
        found.extend(gone.iter().map(|(path, resource)| whole(path, resource, "gone")));
        found.extend(come.iter().map(|(path, resource)| whole(path, resource, "new")));
    }
    found.extend(come.into_values().flatten().map(|(path, resource)| whole(&path, &resource, "new")));
}

fn without_id(resource: &Value) -> String {
    let mut said = resource.clone();
    said.as_object_mut().map(|members| members.remove("id"));
    said.to_string()
}

/// What has another id under the other site: where it was written before, both stay.
fn renamed((path, old): &(String, Value), (to, new): &(String, Value), found: &mut Vec<Difference>) {
    let what = format!("{path} → {to}: run again, it stands beside what was written before");
    found.push((Part::Resources, format!("{} under another id", kind(new)), what));
    let mut same = new.clone();
    if let (Some(id), Some(same)) = (old.get("id"), same.as_object_mut()) {
        same.insert("id".to_string(), id.clone());
    }
    changed(to, old, &same, found);
}

/// What is there under one site alone.
fn whole(path: &str, resource: &Value, word: &str) -> Difference {
    match rule(resource) {
        Some(rule) => (Part::Tasks, format!("{rule}: {word}"), in_short(path, resource)),
        None => (Part::Resources, format!("{} {word}", kind(resource)), in_short(path, resource)),
    }
}

fn changed(path: &str, old: &Value, new: &Value, found: &mut Vec<Difference>) {
    let differing = elements(old, new);
    if differing.is_empty() {
        return;
    }
    let told: Vec<String> = differing.iter().map(super::elements::Element::in_words).collect();
    let what = format!("{path} {}", several(&told));
    if let Some(rule) = rule(new) {
        found.push((Part::Tasks, format!("{rule}: changed"), what));
        return;
    }
    let kind = kind(new);
    found.push((Part::Resources, format!("{kind} changed"), what));
    let (before, after) = (codes(old), codes(new));
    let (gone, come) = (by_place(&before, &after), by_place(&after, &before));
    for place in gone.keys().chain(come.keys()).collect::<BTreeSet<_>>() {
        let list = |of: &BTreeMap<&str, Vec<&str>>| of.get(place).map_or("nothing".to_string(), |all| all.join(", "));
        found.push((Part::Codes, format!("{kind}.{place}: {} → {}", list(&gone), list(&come)), path.to_string()));
    }
    for element in &differing {
        let what = format!("{path} {}", element.in_words());
        found.push((Part::Elements, format!("{kind}.{} {}", element.path, element.word()), what));
    }
}

/// The codes of the one that the other has not, by where they stand.
fn by_place<'c>(
    one: &'c BTreeSet<(String, String)>,
    other: &'c BTreeSet<(String, String)>,
) -> BTreeMap<&'c str, Vec<&'c str>> {
    let mut places: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (place, code) in one.difference(other) {
        places.entry(place).or_default().push(code);
    }
    places
}

fn deliveries(before: &Trial, after: &Trial, found: &mut Vec<Difference>) {
    let by_subject = |trial: &'_ Trial| -> BTreeMap<(String, String), NewDelivery> {
        let subject = |new: &NewDelivery| new.subject.split("/_history").next().unwrap_or_default().to_string();
        trial.deliveries.iter().map(|new| ((new.partner.clone(), subject(new)), new.clone())).collect()
    };
    let (old, new) = (by_subject(before), by_subject(after));
    for key in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
        let (partner, subject) = key;
        let of = format!("{partner}: {}", subject.split('/').next().unwrap_or_default());
        let by = |delivery: &NewDelivery| format!("{subject} by {}", delivery.agreement);
        let line = match (old.get(key), new.get(key)) {
            (Some(only), None) => (Part::Deliveries, format!("{of} no longer"), by(only)),
            (None, Some(only)) => (Part::Deliveries, format!("{of} new"), by(only)),
            (Some(old), Some(new)) => {
                let told: Vec<String> =
                    elements(&old.payload, &new.payload).iter().map(super::elements::Element::in_words).collect();
                if told.is_empty() {
                    // Nothing lost: the same is sent to the same.
                    continue;
                }
                (Part::Deliveries, format!("{of} says otherwise"), format!("{subject} {}", several(&told)))
            }
            (None, None) => continue, // Nothing lost: each key is of one of the two.
        };
        found.push(line);
    }
}

fn several(told: &[String]) -> String {
    // Nothing lost: how many more there are is said.
    let more = told.len().saturating_sub(MOST_TOLD);
    // Nothing lost: how many more there are is said.
    let shown = told.iter().take(MOST_TOLD).cloned().collect::<Vec<_>>().join("; ");
    if more > 0 { format!("{shown}; and {more} more") } else { shown }
}

fn path(resource: &Value) -> String {
    format!("{}/{}", kind(resource), resource.get("id").and_then(Value::as_str).unwrap_or_default())
}

fn kind(resource: &Value) -> &str {
    resource.get("resourceType").and_then(Value::as_str).unwrap_or_default()
}

/// The rule that a Task comes of, none where it is no Task.
fn rule(resource: &Value) -> Option<String> {
    if kind(resource) != "Task" {
        return None;
    }
    let of_rule = resource.get("instantiatesCanonical").and_then(Value::as_str).and_then(|url| url.rsplit('/').next());
    let title = resource.pointer("/code/text").and_then(Value::as_str);
    Some([title, of_rule].into_iter().flatten().collect::<Vec<_>>().join(" · "))
}

fn in_short(path: &str, resource: &Value) -> String {
    let said = ["/status", "/code/text", "/code/coding/0/code", "/description", "/restriction/period/end"];
    let said = said.into_iter().filter_map(|pointer| resource.pointer(pointer).and_then(Value::as_str));
    std::iter::once(path).chain(said).collect::<Vec<_>>().join(", ")
}
