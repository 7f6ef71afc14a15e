//! The terms of a query, cursors and pages.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fhir::Identifier;
use crate::identity::{PersonId, ResourceId};

/// Resources of one type that match all terms.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    pub resource_type: String,
    pub terms: Vec<Term>,
}

/// One condition. Terms are joined by AND; the values inside one by OR. What the key of the store cannot answer is
/// answered by reading candidates and testing them, in bounded steps.
#[derive(Debug, Clone, PartialEq)]
pub enum Term {
    Id(Vec<ResourceId>),
    Identifier(Vec<TokenValue>),
    /// In the record of one of these patients (merges followed); for Patient itself: that patient.
    Patient(Vec<PersonId>),
    /// A code element: `Task.status`, `Observation.code`, … as FHIR token search.
    Token {
        element: &'static str,
        values: Vec<TokenValue>,
    },
    /// A date, dateTime, instant or Period element overlaps `[from, until)`.
    Date {
        elements: &'static [&'static str],
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    },
    /// `meta.lastUpdated` lies in `[from, until)`.
    LastUpdated {
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    },
    /// A Reference element holds one of these literal references or identifiers.
    Reference {
        element: &'static str,
        values: Vec<String>,
    },
}

/// One value of a token parameter (http://hl7.org/fhir/R4/search.html#token).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenValue {
    /// None: any system; `Some("")`: no system.
    pub system: Option<String>,
    /// None: any code of the system.
    pub code: Option<String>,
}

impl From<Identifier> for TokenValue {
    fn from(identifier: Identifier) -> Self {
        Self { system: Some(identifier.system), code: Some(identifier.value) }
    }
}

/// Where a listing goes on. Opaque to clients; stable while the listing's past does not change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor(pub String);

/// Part of a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// None at the end.
    pub next: Option<Cursor>,
}
