//! A resource as its writer sends it, as a draft that the record takes: without what is the gateway's to say, with its references as
//! the record has them, and with the key by which the same thing said twice is the same resource.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::entry::Entry;
use super::refusal::Refusal;
use super::target::{Target, Targets, local};
use crate::fhir::{Draft, Home, Resource, Scope, home_of};
use crate::identity::ResourceId;
use crate::problem::Category;

/// Says that something was left out for the reader; it is nothing that a writer says.
const INTEGRITY: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";

/// A draft of what an entry says; `references` are those that its text has, as the record has them.
pub(super) fn draft(entry: &Entry, resource: Resource, belonging: Option<String>) -> Draft {
    let scope = if home_of(&entry.kind) == Some(Home::Shared) { Scope::Shared } else { Scope::Patient };
    let is_patient = entry.kind == "Patient";
    let key = resource.identifiers().into_iter().next().filter(|_| !is_patient).map(|first| first.token());
    let key = key.or(belonging);
    Draft {
        local: entry.local.clone(),
        scope,
        key,
        resource: bare(resource),
        deleted: Vec::new(),
        sources: BTreeMap::new(),
    }
}

/// Without the id, the version and the time, which are given here.
pub(super) fn bare(mut resource: Resource) -> Resource {
    resource.remove("id");
    if let Some(Value::Object(mut meta)) = resource.remove("meta") {
        let mut kept = Map::new();
        for list in ["profile", "security", "tag"] {
            if let Some(Value::Array(mut items)) = meta.shift_remove(list) {
                // Nothing lost: that a copy was shortened says nothing of the thing.
                items.retain(|item| item.get("system").and_then(Value::as_str) != Some(INTEGRITY));
                if !items.is_empty() {
                    kept.insert(list.to_string(), Value::Array(items));
                }
            }
        }
        if !kept.is_empty() {
            resource.set("meta", Value::Object(kept));
        }
    }
    resource
}

/// Where the entries of one body will be, as far as that is known before the record is read.
pub(super) struct Places<'a> {
    pub targets: &'a Targets<'a>,
    pub entries: &'a [Entry],
}

impl Places<'_> {
    /// What an entry is called: by its id, or by its draft.
    fn name(&self, place: usize) -> Option<String> {
        let entry = self.entries.get(place)?;
        Some(entry.id().map_or_else(|| format!("#{}", local(place)), |id| format!("{}/{id}", entry.kind)))
    }

    /// The key of what belongs to something else and has no number: what it says, and of what. By its content alone the same text in two letters
    /// would be one thing.
    pub fn key(&self, entry: &Entry) -> Option<String> {
        if !matches!(home_of(&entry.kind), Some(Home::Through(_))) {
            return None;
        }
        let mut stated = bare(entry.resource.clone());
        stated.rewrite_references(&mut |reference| {
            let Target::Entry(place) = self.targets.of_reference(reference) else { return None };
            let other = self.entries.get(place)?;
            let number = other.resource.identifiers().into_iter().next().map(|first| first.token());
            Some(number.unwrap_or_else(|| Value::from(bare(other.resource.clone())).to_string()))
        });
        let hash = Sha256::digest(Value::from(stated).to_string());
        Some(hash.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Rewrites every reference of an entry's resource: ours to `Type/id`, those to other entries to their drafts. Those that lead
    /// nowhere are refused.
    pub fn rewrite(&self, entry: &Entry, resource: &mut Resource) -> Result<(), Refusal> {
        let mut fault = None;
        resource.rewrite_references(&mut |reference| match self.targets.of_reference(reference) {
            Target::Contained | Target::Elsewhere => None,
            Target::Ours(kind, id) => Some(format!("{kind}/{id}")),
            Target::Entry(place) => self.name(place),
            Target::Ambiguous => {
                fault.get_or_insert_with(|| (412, Category::MultipleMatches, reference.to_string()));
                None
            }
            Target::Nothing => {
                fault.get_or_insert_with(|| (422, Category::NotFound, reference.to_string()));
                None
            }
        });
        resource.rewrite_links(&mut |link| self.targets.of_link(link).and_then(|place| self.name(place)));
        match fault {
            None => Ok(()),
            Some((412, category, reference)) => {
                let text = "this refers by a condition that does not match one resource here, and no more than one";
                Err(Refusal::at(412, category, entry.at(&element_of(&entry.resource, &reference)), text))
            }
            Some((_, _, reference)) => Err(Refusal::dangling(entry.at(&element_of(&entry.resource, &reference)))),
        }
    }
}

/// The ids of ours that a resource refers to.
pub(super) fn ours(resource: &Resource) -> Vec<(String, ResourceId)> {
    let pair = |reference: &str| {
        let (kind, id) = reference.split_once('/')?;
        // Nothing lost: what is no id of ours leads elsewhere.
        Some((kind.to_string(), id.split('/').next()?.parse().ok()?))
    };
    resource.references().into_iter().filter(|reference| !reference.contains(':')).filter_map(pair).collect()
}

/// The element that has this reference: `subject`, `component[1].valueReference`.
pub(super) fn element_of(resource: &Resource, reference: &str) -> String {
    fn find(value: &Value, reference: &str, path: &str) -> Option<String> {
        match value {
            Value::Object(members) => {
                if members.get("reference").and_then(Value::as_str) == Some(reference) {
                    return Some(path.to_string());
                }
                members.iter().find_map(|(name, value)| {
                    let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    find(value, reference, &below)
                })
            }
            Value::Array(items) => {
                let mut items = items.iter().enumerate();
                items.find_map(|(place, item)| find(item, reference, &format!("{path}[{place}]")))
            }
            _ => None,
        }
    }
    find(&Value::from(resource.clone()), reference, "").unwrap_or_default()
}
