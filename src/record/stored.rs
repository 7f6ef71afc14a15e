//! Reads the parts of a stored resource again: what shows from the resource, what does not from its state. Reads states of
//! earlier versions, which knew an element only as a whole.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::assemble::order;
use super::encounter::{COMPUTED, COMPUTED_PARTS};
use super::part::{self, Group, Part, Parts, group_of};
use super::{Stamp, State, rank};
use crate::fhir::{BY_MEMBER, Resource};

/// The parts that a resource was put together of.
pub(super) fn parts(resource: &Resource, state: &State) -> Parts {
    let is_course = !state.transitions.is_empty();
    let is_stated = |element: &str| !(is_course && COMPUTED.contains(&element));
    let fields = |element: &str, items: usize| fields(state, element, items);
    let stated = resource.as_map().iter().filter(|(element, _)| is_stated(element));
    let mut parts = part::take_apart(stated, &fields);
    if is_course {
        // Nothing lost: what is computed from the visit's course is computed again.
        parts.retain(|name, _| !COMPUTED_PARTS.contains(&name.as_str()) || is_of_old(state, name));
    }
    for (name, content) in &state.hidden {
        parts.entry(name.clone()).or_insert_with(|| Part { content: Some(content.clone()), ..Part::default() });
    }
    for name in state.stamps.keys() {
        parts.entry(name.clone()).or_default();
    }
    let kind = resource.resource_type();
    for (name, part) in &mut parts {
        part.stamp = stamp(state, name).map(|stamp| rank::weighed(kind, stamp.clone()));
        part.source = state.sources.get(name).cloned();
    }
    parts
}

/// What is stored of parts that the course of an encounter overlays.
pub(super) fn overlaid(parts: &Parts) -> BTreeMap<String, Map<String, Value>> {
    let mut overlaid = BTreeMap::new();
    for name in COMPUTED_PARTS {
        if let Some(content) = parts.get(name).and_then(|part| part.content.clone()) {
            overlaid.insert(name.to_string(), content);
        }
    }
    overlaid
}

/// Which field each item of a list came from, when any did.
fn fields(state: &State, element: &str, items: usize) -> Option<Vec<String>> {
    let prefix = format!("{element}@");
    let from = |names: &mut dyn Iterator<Item = &String>| -> Vec<String> {
        names.filter(|name| name.starts_with(&prefix)).cloned().collect()
    };
    let mut names = from(&mut state.stamps.keys());
    names.extend(from(&mut state.counts.keys()));
    if names.is_empty() {
        return None;
    }
    names.sort_by(|one, other| order(one).cmp(&order(other)));
    names.dedup();
    let mut fields = vec![String::new(); state.counts.get(element).copied().unwrap_or(0)];
    for name in names {
        let count = state.counts.get(&name).copied().unwrap_or(1);
        let field = name.strip_prefix(&prefix).unwrap_or_default();
        fields.extend(std::iter::repeat_n(field.to_string(), count));
    }
    (fields.len() == items).then_some(fields)
}

/// Who had the last word on a part; in states of earlier versions, on the element or choice that it is of.
fn stamp<'s>(state: &'s State, name: &str) -> Option<&'s Stamp> {
    state.stamps.get(name).or_else(|| match group_of(name) {
        Group::Choice(choice) => state.stamps.get(choice),
        Group::Member(element) if is_of_old(state, name) => state.stamps.get(element),
        _ => None,
    })
}

/// Whether a member was stored by a version that knew no members.
fn is_of_old(state: &State, name: &str) -> bool {
    let Group::Member(element) = group_of(name) else { return false };
    let has_members = state.stamps.keys().any(|known| group_of(known) == Group::Member(element));
    BY_MEMBER.contains(&element) && state.stamps.contains_key(element) && !has_members
}
