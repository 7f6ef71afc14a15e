//! What one commit writes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{MessageEntry, NewDelivery, Notice, UnusedAnswer};
use crate::fhir::Identifier;
use crate::identity::PersonId;
use crate::record::{Change, Head};

/// Everything that one input changes: written whole or not at all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WriteUnit {
    /// The input itself. Its feed, control id and content must not be there yet.
    pub message: Option<MessageEntry>,
    pub heads: Vec<HeadWrite>,
    /// Fails when a resource's stored version is not the one that the change replaces.
    pub changes: Vec<Change>,
    /// Identifiers that from now on lead to a record.
    pub identifiers: Vec<(Identifier, PersonId)>,
    pub deliveries: Vec<NewDelivery>,
    pub audit: Vec<AuditEntry>,
    /// What could not be used, besides what the message's own trace says (see `Trace::notices`): of a clock that came due
    /// or a person's action. Each counts one more for its cause.
    pub unused: Vec<Notice>,
    /// What people do about causes. Fails as `Refused` when there is no such cause.
    pub answers: Vec<UnusedAnswer>,
}

/// A head with the revision it replaces (0: there must be none). `head.revision` is already one higher.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadWrite {
    pub head: Head,
    pub replaces: u64,
}

/// A commit that is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// The sequence number of the message, or of the commit when it carried none. Grows; may have gaps.
    pub sequence: u64,
}

/// Who was shown what, or refused, and why. AuditEvent is made from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    pub at: Timestamp,
    /// The partner, or `console:<name>` for people.
    pub agent: String,
    /// `push`, `read`, `search`, `card`, `login`, …
    pub action: String,
    pub person: Option<PersonId>,
    /// `Task/id`.
    pub subject: String,
    pub allowed: bool,
    /// In words, with the line of the agreement.
    pub because: String,
}
