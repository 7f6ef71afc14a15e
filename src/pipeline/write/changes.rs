//! What an update says that was not said: the record's elements have their last word one by one, so that a whole resource is read as
//! the elements in which it differs. What the writer said before and says no more is taken back; what others said is not.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::fhir::{KEYED, Resource};
use crate::record::{Stamp, Stored};

/// Elements to state, and parts to take back.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Change {
    pub resource: Resource,
    /// By the names of `Draft::deleted`.
    pub deleted: Vec<String>,
}

impl Change {
    pub fn is_empty(&self) -> bool {
        self.resource.as_map().len() < 2 && self.deleted.is_empty()
    }

    /// The elements that it changes, each once.
    pub fn elements(&self) -> BTreeSet<String> {
        let stated = self.resource.as_map().keys().filter(|name| *name != "resourceType" && *name != "meta");
        stated.chain(&self.deleted).map(|name| element_of(name).to_string()).collect()
    }
}

/// The element that a part belongs to: `telecom@PID-13`, `identifier:a|1`, `_birthDate`.
pub(super) fn element_of(part: &str) -> &str {
    part.split([':', '@', '.']).next().unwrap_or(part).trim_start_matches('_')
}

/// Types whose elements only make sense together: a visit's course, a result and its status.
const TOGETHER: [&str; 3] = ["Encounter", "Observation", "DiagnosticReport"];

/// What a body says otherwise than its writer was shown. `is_whole` restates all where anything differs; `is_patch` means what is left
/// out as well, whoever said it.
pub(super) fn stated(
    (body, shown, stored): (&Resource, &Resource, &Stored),
    writer: &str,
    is_whole: bool,
    is_patch: bool,
) -> Change {
    let is_said = |name: &str| !matches!(name, "resourceType" | "id" | "meta" | "text");
    let base = |name: &str| name.trim_start_matches('_').to_string();
    let named = body.as_map().iter().filter(|(name, _)| is_said(name));
    let mut differing: BTreeSet<String> =
        named.filter(|(name, value)| shown.get(name) != Some(*value)).map(|(name, _)| base(name)).collect();
    let deleted = taken_back(body, shown, stored, writer, is_patch);
    let is_together = is_whole || TOGETHER.contains(&body.resource_type());
    let labels = new_labels(body, shown);
    if is_together && (!differing.is_empty() || !deleted.is_empty()) {
        let all =
            body.as_map().keys().filter(|name| is_whole && is_said(name) || TOGETHER_KEEPS.contains(&name.as_str()));
        differing.extend(all.map(|name| base(name)));
    }
    let mut resource = Resource::new(body.resource_type());
    for (name, value) in body.as_map() {
        let is_narrative = name == "text" && is_whole && !differing.is_empty();
        if is_narrative || (is_said(name) && differing.contains(&base(name))) {
            resource.set(name, value.clone());
        }
    }
    for (list, items) in labels {
        resource.add_to_meta(list, items);
    }
    Change { resource, deleted }
}

/// Without these a change of a result, or of a visit, would count as less than it is.
const TOGETHER_KEEPS: [&str; 4] = ["status", "issued", "class", "period"];

/// Labels, tags and profiles that were not there; none is ever taken away by silence.
fn new_labels(body: &Resource, shown: &Resource) -> Vec<(&'static str, Vec<Value>)> {
    let items = |resource: &Resource, list: &str| -> Vec<Value> {
        resource.get("meta").and_then(|meta| meta.get(list)?.as_array().cloned()).unwrap_or_default()
    };
    let same = |one: &Value, other: &Value| match (one.get("code"), other.get("code")) {
        (Some(code), Some(known)) => code == known && one.get("system") == other.get("system"),
        _ => one == other,
    };
    let new = |list| {
        let known = items(shown, list);
        items(body, list).into_iter().filter(|item| !known.iter().any(|known| same(known, item))).collect::<Vec<_>>()
    };
    ["security", "tag", "profile"]
        .map(|list| (list, new(list)))
        .into_iter()
        .filter(|(_, new)| !new.is_empty())
        .collect()
}

fn taken_back(body: &Resource, shown: &Resource, stored: &Stored, writer: &str, is_patch: bool) -> Vec<String> {
    let is_there = |part: &str| {
        let element = element_of(part);
        let is_in = body.get(element).is_some() || body.get(&format!("_{element}")).is_some();
        match part.split_once(':') {
            Some((list, key)) if is_in && KEYED.contains(&list) => has_item(body, list, key),
            _ => is_in,
        }
    };
    let is_shown = |part: &str| shown.get(element_of(part)).is_some();
    let is_theirs = |stamp: &Stamp| stamp.feed() == writer;
    let parts = stored.state.stamps.iter().filter(|(part, stamp)| {
        !part.starts_with("meta.") && is_shown(part) && (is_patch || is_theirs(stamp)) && !is_there(part)
    });
    let mut parts: BTreeSet<String> = parts.map(|(part, _)| part.clone()).collect();
    if is_patch {
        let gone = shown
            .as_map()
            .keys()
            .filter(|name| !matches!(name.as_str(), "id" | "meta" | "text") && body.get(name).is_none());
        parts.extend(gone.map(|name| name.trim_start_matches('_').to_string()).filter(|name| !is_there(name)));
    }
    parts.into_iter().collect()
}

/// Whether a list has the item with this key.
fn has_item(body: &Resource, list: &str, key: &str) -> bool {
    let items = body.get(list).and_then(Value::as_array).into_iter().flatten();
    let text = |item: &Value, name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default().to_string();
    items.into_iter().any(|item| match list {
        "identifier" => format!("{}|{}", text(item, "system"), text(item, "value")) == key,
        "extension" | "modifierExtension" => text(item, "url") == key,
        // Nothing lost: a link between Patients is never taken back by silence.
        _ => true,
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::identity::{PersonId, ResourceId};
    use crate::record::State;

    fn stored(resource: Value, parts: &[(&str, &str)]) -> Stored {
        let resource = Resource::try_from(resource).unwrap();
        let stamp = |feed: &str| Stamp::new(Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH, format!("{feed}/1"));
        let stamps = parts.iter().map(|(part, feed)| ((*part).to_string(), stamp(feed))).collect();
        let id = ResourceId::patient(PersonId([1; 10]));
        Stored { id, version: 1, updated: Timestamp::UNIX_EPOCH, resource, state: State { stamps, ..State::default() } }
    }

    fn change(body: Value, is_whole: bool, is_patch: bool) -> Change {
        let known = json!({ "resourceType": "Condition", "code": { "text": "a" }, "onsetDateTime": "2026", "note": [{ "text": "n" }],
            "identifier": [{ "system": "x", "value": "1" }, { "system": "y", "value": "2" }] });
        let parts = [
            ("code", "ours"),
            ("onsetDateTime", "ours"),
            ("note", "theirs"),
            ("identifier:x|1", "ours"),
            ("identifier:y|2", "theirs"),
        ];
        let stored = stored(known, &parts);
        let body = Resource::try_from(body).unwrap();
        stated((&body, &stored.resource, &stored), "ours", is_whole, is_patch)
    }

    #[test]
    fn silence_takes_back_what_the_writer_said_and_nothing_else() {
        let body = json!({ "resourceType": "Condition", "code": { "text": "b" }, "identifier": [{ "system": "z", "value": "3" }] });
        let change = change(body, false, false);
        assert_eq!(change.deleted, ["identifier:x|1", "onsetDateTime"]);
        assert_eq!(change.resource.as_map().keys().collect::<Vec<_>>(), ["resourceType", "code", "identifier"]);
    }

    #[test]
    fn a_patch_takes_back_what_it_leaves_out_whoever_said_it() {
        let body = json!({ "resourceType": "Condition", "code": { "text": "a" }, "onsetDateTime": "2026",
            "identifier": [{ "system": "x", "value": "1" }, { "system": "y", "value": "2" }] });
        let change = change(body, false, true);
        assert_eq!((change.deleted.as_slice(), change.resource.as_map().len()), (["note".to_string()].as_slice(), 1));
    }

    #[test]
    fn what_is_the_same_is_not_said_again() {
        let body = json!({ "resourceType": "Condition", "code": { "text": "a" }, "onsetDateTime": "2026", "note": [{ "text": "n" }],
            "identifier": [{ "system": "x", "value": "1" }, { "system": "y", "value": "2" }], "id": "q", "meta": { "versionId": "9" } });
        assert!(change(body, true, false).is_empty());
    }
}
