//! One resource with how it came to be, as a value that can be joined with another about the same thing. A statement is
//! a fragment, and so is what is stored: merging is joining.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::encounter::{self, MAX_TRANSITIONS};
use super::part::{self, Part, Parts};
use super::{Stamp, State, Transition, rank};
use crate::fhir::Resource;
use crate::identity::{Identified, PersonId};

/// Elements of an Encounter that follow from its transitions, never from one message.
const COMPUTED: [&str; 5] = ["status", "statusHistory", "class", "classHistory", "period"];

#[derive(Debug, Clone)]
pub(super) struct Fragment {
    pub resource_type: String,
    pub parts: Parts,
    pub transitions: Vec<Transition>,
    /// The records under which it was stated.
    pub origins: BTreeSet<PersonId>,
    pub work: Option<Value>,
}

impl Fragment {
    /// What one message says about one thing.
    pub fn stated(identified: &Identified, stamp: &Stamp, trigger: &str) -> Self {
        let draft = &identified.draft;
        let mut resource = draft.resource.clone();
        let stamp = rank::stamp(&resource, stamp, trigger);
        let kind = resource.resource_type().to_string();
        let mut transitions = Vec::new();
        if kind == "Encounter" {
            transitions.push(encounter::transition(&resource, &stamp, trigger));
            for element in COMPUTED {
                resource.remove(element);
                resource.remove(&format!("_{element}"));
            }
        }
        let mut parts = part::take_apart(&resource, &|_| Some(stamp.clone()));
        for element in &draft.deleted {
            let name = part::part_of(&kind, element);
            if kind == "Encounter" && COMPUTED.contains(&name.as_str()) {
                continue;
            }
            parts.entry(name).or_insert(Part { stamp: Some(stamp.clone()), content: None });
        }
        let origins = BTreeSet::from([identified.id.person]);
        Self { resource_type: kind, parts, transitions, origins, work: None }
    }

    /// What is stored about one thing.
    pub fn stored(resource: &Resource, state: &State, person: PersonId) -> Self {
        let mut bare = resource.clone();
        if !state.transitions.is_empty() {
            COMPUTED.iter().for_each(|element| drop(bare.remove(element)));
        }
        let mut parts = part::take_apart(&bare, &|name| state.stamps.get(name).cloned());
        for (name, stamp) in &state.stamps {
            parts.entry(name.clone()).or_insert_with(|| Part { stamp: Some(stamp.clone()), content: None });
        }
        let mut origins: BTreeSet<PersonId> = state.origins.iter().copied().collect();
        if origins.is_empty() {
            origins.insert(person);
        }
        Self {
            resource_type: resource.resource_type().to_string(),
            parts,
            transitions: state.transitions.clone(),
            origins,
            work: state.work.clone(),
        }
    }

    pub fn join(self, other: Self) -> Self {
        let mut transitions = self.transitions;
        transitions.extend(other.transitions);
        transitions.sort();
        transitions.dedup();
        encounter::keep_newest(&mut transitions, MAX_TRANSITIONS);
        Self {
            resource_type: self.resource_type,
            parts: part::join(self.parts, other.parts),
            transitions,
            origins: self.origins.union(&other.origins).copied().collect(),
            work: self.work.or(other.work),
        }
    }

    /// The resource that follows, without id and version, and the state to keep beside it. `person` is the record in
    /// the id it will have.
    pub fn settle(&self, person: PersonId) -> (Resource, State) {
        let mut resource = part::put_together(&self.resource_type, &self.parts);
        if !self.transitions.is_empty() {
            encounter::project(&self.transitions).write(&mut resource);
        }
        if self.resource_type == "Patient" && is_replaced(&resource) {
            resource.set("active", json!(false));
        }
        let stamps = self.parts.iter().filter_map(|(name, part)| Some((name.clone(), part.stamp.clone()?))).collect();
        let only_here = self.origins.len() == 1 && self.origins.contains(&person);
        let state = State {
            stamps,
            transitions: self.transitions.clone(),
            work: self.work.clone(),
            origins: if only_here { Vec::new() } else { self.origins.iter().copied().collect() },
            superseded: None,
        };
        (resource, state)
    }
}

/// Whether a Patient's links say that another one took its place (http://hl7.org/fhir/R4/patient.html#replaced).
fn is_replaced(patient: &Resource) -> bool {
    let links = patient.get("link").and_then(Value::as_array).into_iter().flatten();
    links.filter_map(|link| link.get("type")).any(|kind| kind == "replaced-by")
}
