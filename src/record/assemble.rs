//! Puts the parts of a resource together again, and says which of them do not show: what was deleted or outdone by a later
//! statement about more than itself is kept, as a later message may bring it back.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::part::{Group, Part, Parts, group_of};
use crate::fhir::{KEYED, Resource};

/// A resource, and what it takes to read its parts from it again.
pub(super) struct Assembled {
    pub resource: Resource,
    /// How many items of a list are one part's, where that is not one.
    pub counts: BTreeMap<String, usize>,
    /// The contents of parts that do not show.
    pub hidden: BTreeMap<String, Map<String, Value>>,
}

/// Puts parts together: `resourceType`, `identifier`, `status` and the rest in the order of the alphabet, lists in the order
/// of the fields they came from.
pub(super) fn put_together(resource_type: &str, parts: &Parts) -> Assembled {
    let mut assembled =
        Assembled { resource: Resource::new(resource_type), counts: BTreeMap::new(), hidden: BTreeMap::new() };
    let mut names: Vec<&String> = parts.keys().collect();
    names.sort_by_key(|name| order(name));
    let mut meta: Map<String, Value> = Map::new();
    let mut elements: BTreeMap<(u8, &str), Value> = BTreeMap::new();
    for name in names {
        // Nothing lost: only names of parts are asked for.
        let Some(part) = parts.get(name) else { continue };
        let group = group_of(name);
        let shown = part.content.as_ref().filter(|_| shows(parts, name, part, group));
        if let (None, Some(content)) = (shown, &part.content) {
            assembled.hidden.insert(name.clone(), content.clone());
        }
        if let Some(items) = count(parts, name, group, shown) {
            assembled.counts.insert(name.clone(), items);
        }
        for (key, value) in shown.into_iter().flatten() {
            match (group, value) {
                (Group::Item(list), Value::Array(items)) if list.starts_with("meta.") => {
                    extend(meta.entry(key).or_insert(Value::Null), items);
                }
                (Group::Item(_), Value::Array(items)) => {
                    extend(elements.entry((place(key), key)).or_insert(Value::Null), items);
                }
                (Group::Member(element), value) => {
                    let all = elements.entry((place(element), element)).or_insert_with(|| Value::Object(Map::new()));
                    if let Value::Object(members) = all {
                        members.insert(key.clone(), value.clone());
                    }
                }
                _ => {
                    elements.insert((place(key), key), value.clone());
                }
            }
        }
    }
    if !meta.is_empty() {
        assembled.resource.set("meta", Value::Object(meta));
    }
    for ((_, key), value) in elements {
        assembled.resource.set(key, value);
    }
    assembled
}

/// Whether a part with content shows among the others.
fn shows(parts: &Parts, name: &str, part: &Part, group: Group<'_>) -> bool {
    let is_outdone = |by: &str| parts.get(by).is_some_and(|other| other.stamp > part.stamp);
    match group {
        // What one field states of a list later replaces what was stated of the list as a whole.
        Group::Whole => !fields_of(parts, name).any(|(_, other)| other.content.is_some() && other.stamp > part.stamp),
        Group::Item(list) => {
            let field = part.source.as_ref().map(|source| format!("{list}@{source}"));
            !is_outdone(list) && !field.is_some_and(|field| is_outdone(&field))
        }
        Group::Member(element) => !is_outdone(element),
        Group::Choice(choice) => {
            let rivals = parts.iter().filter(|(other, rival)| rival.content.is_some() && group_of(other) == group);
            !is_outdone(choice)
                && rivals.map(|(other, rival)| (&rival.stamp, other.as_str())).max() == Some((&part.stamp, name))
        }
    }
}

/// What fields state of a list, one by one.
fn fields_of<'p>(parts: &'p Parts, list: &str) -> impl Iterator<Item = (&'p String, &'p Part)> {
    let prefix = format!("{list}@");
    let start = prefix.clone();
    parts.range(start..).take_while(move |(name, _)| name.starts_with(&prefix))
}

/// How many items of a list a part shows; none where that need not be said: one for each field, all where no field states any.
fn count(parts: &Parts, name: &str, group: Group<'_>, shown: Option<&Map<String, Value>>) -> Option<usize> {
    let items = shown.and_then(|content| content.values().next()).and_then(Value::as_array).map_or(0, Vec::len);
    match group {
        Group::Item(list) if name.contains('@') && !KEYED.contains(&list) && items != 1 => Some(items),
        Group::Whole if items > 0 && fields_of(parts, name).next().is_some() => Some(items),
        _ => None,
    }
}

/// The order of names with numbers in it: PV1-3 before PV1-11.
pub(super) fn order(name: &str) -> (&str, &str, u32) {
    let Some((list, field)) = name.split_once('@').filter(|_| !name.contains(':')) else { return (name, "", 0) };
    let (segment, number) = field.split_once('-').unwrap_or((field, ""));
    (list, segment, number.parse().unwrap_or(0))
}

fn extend(list: &mut Value, items: &[Value]) {
    match list {
        Value::Array(all) => all.extend(items.iter().cloned()),
        other => *other = Value::Array(items.to_vec()),
    }
}

fn place(element: &str) -> u8 {
    match element {
        "identifier" => 0,
        "status" | "active" => 1,
        _ => 2,
    }
}
