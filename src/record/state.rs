//! The record as it is stored: the head, and each resource with the history of its elements.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Stamp, Who};
use crate::fhir::{Identifier, Resource};
use crate::identity::{PersonId, ResourceId};

/// An element as a message stated it, in an order of its own so that what holds it can be sorted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Told(pub Value);

impl PartialOrd for Told {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Told {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.to_string().cmp(&other.0.to_string())
    }
}

/// One thing that happened to an encounter, by trigger event. A set of these decides its status.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Transition {
    pub stamp: Stamp,
    /// `A04`; for FHIR input the interaction (`update`).
    pub trigger: String,
    /// The class the message gave, when it gave one: a code of v3 ActCode, or `system|code` of another system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The status the sender named; only believed where the trigger is no v2 event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// `period.start` as stated (PV1-44), a FHIR dateTime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// `period.end` as stated (PV1-45), a FHIR dateTime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// Where the patient is (PV1-3), a Reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Told>,
    /// Where the patient was before (PV1-6), a Reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior_place: Option<Told>,
    /// `hospitalization.dischargeDisposition` as stated (PV1-36), a CodeableConcept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disposition: Option<Told>,
    /// Which of these the sender asked to delete, by the names of `Draft::deleted`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deleted: Vec<String>,
}

impl Transition {
    /// Whether the sender asked to delete a part.
    pub fn deletes(&self, part: &str) -> bool {
        self.deleted.iter().any(|deleted| deleted == part)
    }
}

/// How a resource came to be. Never leaves the gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Who had the last word on each part, deleted ones included. A part is a top-level element (`birthDate`), one type of
    /// a choice (`valueQuantity`), what one field states of a list (`telecom@PID-13`), one item of a list that has keys
    /// (`identifier:system|value`), or a member (`hospitalization.admitSource`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stamps: BTreeMap<String, Stamp>,
    /// How many items of a list each part of it has, where that is not one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, usize>,
    /// Parts that were stated and do not show, because a later statement about more than themselves outdoes them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hidden: BTreeMap<String, Map<String, Value>>,
    /// The field that an identifier came from, by its part.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, String>,
    /// What partners were last sent of it where they are sent only what looks otherwise to them: a hash of it, by partner.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sent: BTreeMap<String, String>,
    /// For Patients: whom what was said names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Who>,
    /// For encounters: what happened, in order of time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transitions: Vec<Transition>,
    /// For work that a protocol made: its facts between evaluations (protocol, rule, episode, answers).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work: Option<serde_json::Value>,
    /// The results of the same record that this one puts together; none for what somebody stated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub made_of: Vec<ResourceId>,
    /// The records under which this thing was stated, when they are more than the one in its id: a visit that went on
    /// after its patient was merged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<PersonId>,
    /// This turned out to be the same thing as another resource of the record, which now carries all that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded: Option<ResourceId>,
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

impl Stored {
    /// The feed that had the last word on anything of it; none for what a protocol made.
    pub fn feed(&self) -> Option<&str> {
        self.state.stamps.values().max().map(Stamp::feed)
    }
}

/// What is kept of a patient's record as a whole. Every commit that touches the record raises `revision` by one, and is
/// refused when somebody else raised it first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Head {
    pub person: PersonId,
    pub revision: u64,
    /// The record that took this one over (A40), as the merge message named it: it may itself be merged into another by
    /// now, so follow the chain. Everything about this patient goes to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<PersonId>,
    /// Records taken over, directly or through others, in order of id; their resources are read with this one's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absorbed: Vec<PersonId>,
    /// Identifiers that lead to this record, those of absorbed records included. Empty once it is merged into another.
    #[serde(default)]
    pub identifiers: Vec<Identifier>,
    /// Under which absorbed record each of their identifiers was known. What is stated under such an identifier keeps
    /// getting ids of that record, so that a message before and after the merge makes the same resource.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub origins: BTreeMap<PersonId, Vec<Identifier>>,
    /// When the protocols want to look again even if nothing arrives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake_at: Option<Timestamp>,
    /// Last delivery number per partner; deliveries to one partner about one patient are numbered without gaps.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub deliveries: BTreeMap<String, u64>,
    /// Open work that partners hold a copy of, each with the agreement that allowed it: partner, `Task/id`, agreement.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub copies: BTreeMap<String, BTreeMap<String, String>>,
    /// The panels of the patient when it was last decided who gets what; none where that was never noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub panels: Option<BTreeSet<String>>,
    /// What the rules could not use when they last looked (`Problem::fingerprint`): it stands in the record and is not told
    /// and counted again at every look.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub noticed: BTreeSet<u64>,
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
            origins: BTreeMap::new(),
            wake_at: None,
            deliveries: BTreeMap::new(),
            copies: BTreeMap::new(),
            panels: None,
            noticed: BTreeSet::new(),
        }
    }

    /// The record under whose ids a message with these identifiers states things: the absorbed one that the first known
    /// identifier belonged to, or this one. Give it to `identity::assign`.
    pub fn origin_of(&self, candidates: &[Identifier]) -> PersonId {
        for candidate in candidates {
            let origin = self.origins.iter().find(|(_, known)| known.contains(candidate));
            if let Some((person, _)) = origin {
                return *person;
            }
            if self.identifiers.contains(candidate) {
                return self.person;
            }
        }
        self.person
    }

    /// This record and those it absorbed.
    pub fn family(&self) -> impl Iterator<Item = PersonId> + '_ {
        std::iter::once(self.person).chain(self.absorbed.iter().copied())
    }
}

/// One resource written by a change: the new content, and the version it replaces (0 when new). A change whose
/// `stored.version` equals `replaces` only updates how the resource came to be: no new version, nothing to tell anybody.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub stored: Stored,
    pub replaces: u64,
}

impl Change {
    /// Whether the resource has a new version: its content changed.
    pub fn is_visible(&self) -> bool {
        self.stored.version != self.replaces
    }
}
