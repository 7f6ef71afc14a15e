//! What applying a map set gives: drafts with their lineage, and everything that could not be used.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Authorities, Habits};
use crate::fhir::{Draft, Identifier};
use crate::hl7::Span;
use crate::problem::{FieldPlace, Problem};
use crate::yaml::Mark;

/// What the message itself does not say: the feed's settings and when it came.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// For times without an offset.
    pub zone: &'a TimeZone,
    pub authorities: &'a Authorities,
    /// What the sender means without saying so.
    pub habits: &'a Habits,
    /// Stands in where a message says no time at all.
    pub received: Timestamp,
}

/// What became of one message.
#[derive(Debug, Clone)]
pub struct Mapped {
    pub event: Event,
    pub drafts: Vec<Draft>,
    pub merges: Vec<Merge>,
    pub lineage: Vec<Lineage>,
    /// What is in the message but went nowhere.
    pub unread: Vec<Unread>,
    /// Codes without a row in their table, each once.
    pub unmapped: Vec<Unmapped>,
    pub problems: Vec<Problem>,
}

/// What the message tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// MSH-9.1: `ADT`.
    pub code: String,
    /// MSH-9.2: `A04`.
    pub trigger: String,
    /// When it happened: EVN-6, else EVN-2, else MSH-7.
    pub occurred: Timestamp,
    /// When the sender wrote it: MSH-7, else EVN-2.
    pub recorded: Timestamp,
}

/// Two sets of identifiers that are one patient from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    pub surviving: Vec<Identifier>,
    pub prior: Vec<Identifier>,
}

/// Where one element came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lineage {
    /// The draft's local name.
    pub draft: Arc<str>,
    /// FHIRPath below the resource: `name[0].family`.
    pub element: String,
    /// File and line of the mapping that read it.
    pub map: Mark,
    pub place: FieldPlace,
    /// Bytes of the message as it came.
    pub span: Span,
    pub role: Role,
}

/// What a part of the message is to the element it is noted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It became the element, or a part of the key that the resource's id is made of.
    Value,
    /// Its parts became a resource of their own, which this element refers to.
    Parts,
    /// A condition of the map compared it, and by that the element says what it says.
    Reason,
    /// It decided that the element says nothing: `""`, or a coding system that is declared to be local.
    Silence,
}

/// A part of the message that no mapping read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    pub place: FieldPlace,
    pub span: Span,
}

/// A code that its table does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmapped {
    /// The table's name; `units`, `code-systems` and `authorities` among them.
    pub table: String,
    /// The system the sender named, when it did.
    pub system: Option<String>,
    pub code: String,
    pub place: FieldPlace,
}

impl Mapped {
    /// The first draft of a type.
    pub fn draft(&self, resource_type: &str) -> Option<&Draft> {
        self.drafts.iter().find(|draft| draft.resource.resource_type() == resource_type)
    }

    /// Whether anything forbids taking the drafts over.
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(Problem::is_error)
    }
}
