//! What an evaluation is given and what it gives back. Plain data: the site fills practices, the pipeline commits changes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::fhir::Identifier;
use crate::identity::ResourceId;
use crate::problem::Problem;
use crate::record::{Change, Membership, Record};

/// A practice as protocols see it: where and when it works, and how its Tasks name it.
#[derive(Debug, Clone, PartialEq)]
pub struct Practice {
    pub name: String,
    pub title: String,
    /// How Task.owner names it: a logical reference by identifier.
    pub identifier: Option<Identifier>,
    pub zone: TimeZone,
    /// A calendar of this set (`us-federal`); none is Saturdays and Sundays off.
    pub calendar: Option<String>,
    /// Who has a role when the roster names nobody: role (`coach`, `care-manager`, `clinician`) → display name.
    pub roles: BTreeMap<String, String>,
}

impl Practice {
    /// Whether a Task's owner is this practice. One of name and number may have been corrected in the panel's file since.
    pub fn is_owner(&self, owner: &Value) -> bool {
        let number = owner.get("identifier").and_then(Identifier::from_json);
        let name = owner.get("display").and_then(Value::as_str).unwrap_or_default();
        let is_name = name.strip_prefix(&self.title).is_some_and(|rest| rest.is_empty() || rest.starts_with(": "));
        is_name || (number.is_some() && number == self.identifier)
    }
}

/// One patient at one moment.
pub struct View<'a> {
    pub record: &'a Record,
    /// The panels the patient is on.
    pub memberships: &'a [Membership],
    /// Practices by the name of their panel.
    pub practices: &'a BTreeMap<String, Practice>,
    pub now: Timestamp,
}

/// What follows for one patient at one moment. Applying it and evaluating again changes nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evaluation {
    pub changes: Vec<Change>,
    /// The next moment at which the answer changes by itself.
    pub wake_at: Option<Timestamp>,
    pub decisions: Vec<Explained>,
    /// What the rules could not use or judge; places are elements of the record.
    pub unused: Vec<Problem>,
}

/// One decision in words. Holds patient data: for those who may see the record, never for logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    pub protocol: String,
    pub rule: String,
    /// `protocols/ed-follow-up.yaml:12`
    pub place: String,
    pub words: String,
    /// The resource that triggered it.
    pub about: Option<ResourceId>,
    /// The work it is about, where there is some.
    pub work: Option<ResourceId>,
    /// False where the rule looked at something and asked for nothing.
    pub applied: bool,
}
