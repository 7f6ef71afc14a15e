//! Maps: a segment or a datatype to a FHIR type, and which maps a message uses.

use serde_json::Value;

use super::{Condition, Notice, SourcePath, Template};
use crate::fhir::Scope;
use crate::mapping::Habits;
use crate::yaml::Mark;

/// One map file, compiled.
#[derive(Debug, Clone)]
pub struct Map {
    /// `PID-Patient`.
    pub name: String,
    /// Where its key is written; its head, when it has none.
    pub mark: Mark,
    pub kind: MapKind,
    /// The FHIR type it fills.
    pub type_name: String,
    pub is_resource: bool,
    pub scope: Scope,
    pub template: Template,
    /// Business keys to try in order; each is a list of parts.
    pub key: Vec<Vec<KeyPart>>,
    /// Whether two of one key in one message are the same thing (a diagnosis told twice) or two (a repeated reading).
    pub is_one_per_key: bool,
    pub notices: Vec<Notice>,
    pub examples: Vec<Example>,
}

/// What a map reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MapKind {
    Segment(String),
    Datatype(String),
}

/// A part of a business key.
#[derive(Debug, Clone, PartialEq)]
pub enum KeyPart {
    /// Text in the message; when optional its absence leaves a gap, otherwise the next key is tried.
    Source { path: SourcePath, is_optional: bool },
    /// What an element of the resource says: text, `system|value`, `system|code`, or the key of what it refers to.
    Element { name: String, is_optional: bool },
}

/// A test that lives in the file it tests.
#[derive(Debug, Clone)]
pub struct Example {
    pub mark: Mark,
    pub why: String,
    /// Segments, a value of the datatype, or a message.
    pub given: String,
    pub expect: Value,
    /// Assigning authorities of this example, by namespace; those given to the run when empty.
    pub authorities: Vec<(String, String)>,
    pub zone: Option<String>,
    /// What the sender means without saying so.
    pub habits: Habits,
    /// What must be said of it and nothing else, each as kind and cause (`unit LN 59408-5`); none where nobody asks.
    pub says: Option<Vec<String>>,
}

/// Which maps a message uses.
#[derive(Debug, Clone)]
pub struct MessageMap {
    pub name: String,
    /// `("ADT", "A01")`.
    pub events: Vec<(String, String)>,
    /// In order.
    pub uses: Vec<Use>,
    pub merge: Option<MergeRule>,
    /// Security labels that the message gives to all it tells of a patient, as the `security` of a `meta`.
    pub labels: Option<Template>,
    /// Places that carry nothing for the record, so that nobody need wonder that no map read them.
    pub bookkeeping: Vec<SourcePath>,
    pub examples: Vec<Example>,
}

/// One map in a message.
#[derive(Debug, Clone)]
pub struct Use {
    pub map: usize,
    /// The segments it is called with: a name, inside these groups.
    pub from: SourcePath,
    /// Adds to what that map made nearby instead of making a resource of its own.
    pub into: Option<usize>,
    pub when: Option<Condition>,
}

/// Which identifiers a merge joins (HL7 v2.5.1, 3.3.40).
#[derive(Debug, Clone)]
pub struct MergeRule {
    pub surviving: SourcePath,
    pub prior: SourcePath,
    /// The datatype map that reads both.
    pub map: usize,
}
