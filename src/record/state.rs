//! The record as it is stored: the head, and each resource with the history of its elements.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fhir::{Identifier, Resource};
use crate::identity::{PersonId, ResourceId};

/// When a statement was true, for deciding which of two statements about one element stands. The later wins; ties go
/// to the message sent later, then to the greater control id, so that every order of arrival gives the same winner.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    /// The event's own time (EVN-6, EVN-2, or MSH-7).
    pub occurred: Timestamp,
    /// When the message was made (MSH-7).
    pub recorded: Timestamp,
    /// `feed/control id`.
    pub source: String,
}

/// One thing that happened to an encounter, by trigger event. A set of these decides its status.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Transition {
    pub stamp: Stamp,
    /// `A04`.
    pub trigger: String,
    /// The v3 ActCode class the message gave, when it gave one.
    pub class: Option<String>,
}

/// How a resource came to be. Never leaves the gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Who had the last word on each top-level element, deleted ones included.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stamps: BTreeMap<String, Stamp>,
    /// For encounters: what happened, in order of time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transitions: Vec<Transition>,
    /// For work that a protocol made: its facts between evaluations (protocol, rule, episode, answers).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work: Option<serde_json::Value>,
}

/// One resource as stored. `resource` carries its `id`, `meta.versionId` and `meta.lastUpdated`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    pub id: ResourceId,
    /// Counts from 1.
    pub version: u64,
    pub updated: Timestamp,
    pub resource: Resource,
    #[serde(default)]
    pub state: State,
}

/// What is kept of a patient's record as a whole. Every commit that touches the record raises `revision` by one, and is
/// refused when somebody else raised it first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Head {
    pub person: PersonId,
    pub revision: u64,
    /// The record that took this one over (A40). Everything about this patient goes there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<PersonId>,
    /// Records taken over, directly or through others; their resources are read with this one's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absorbed: Vec<PersonId>,
    /// Identifiers that lead to this record.
    #[serde(default)]
    pub identifiers: Vec<Identifier>,
    /// When the protocols want to look again even if nothing arrives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake_at: Option<Timestamp>,
    /// Last delivery number per partner; deliveries to one partner about one patient are numbered without gaps.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub deliveries: BTreeMap<String, u64>,
}

impl Head {
    /// The head of a record nobody has seen; its revision is 0 until committed.
    pub fn new(person: PersonId) -> Self {
        Self {
            person,
            revision: 0,
            merged_into: None,
            absorbed: Vec::new(),
            identifiers: Vec::new(),
            wake_at: None,
            deliveries: BTreeMap::new(),
        }
    }
}

/// A patient's record as loaded: all resources but old observations (the newest are there), and the shared resources
/// that were asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub head: Head,
    pub resources: BTreeMap<(String, ResourceId), Stored>,
    /// Older observations exist that were not loaded.
    pub truncated: bool,
}

/// One resource written by a change: the new content, and the version it replaces (0 when new).
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub stored: Stored,
    pub replaces: u64,
}

impl Record {
    pub fn new(person: PersonId) -> Self {
        Self { head: Head::new(person), resources: BTreeMap::new(), truncated: false }
    }

    /// All resources of a type, in order of id.
    pub fn of_type<'a>(&'a self, resource_type: &'a str) -> impl Iterator<Item = &'a Stored> {
        self.resources.iter().filter(move |((kind, _), _)| kind == resource_type).map(|(_, stored)| stored)
    }

    pub fn get(&self, resource_type: &str, id: ResourceId) -> Option<&Stored> {
        self.resources.get(&(resource_type.to_string(), id))
    }

    /// Puts a change into this copy of the record, so that what comes next sees it.
    pub fn apply(&mut self, change: &Change) {
        let key = (change.stored.resource.resource_type().to_string(), change.stored.id);
        self.resources.insert(key, change.stored.clone());
    }
}
