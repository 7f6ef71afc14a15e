//! The terms of a query, cursors and pages.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fhir::Identifier;
use crate::identity::{PersonId, ResourceId};
use crate::record::Stored;

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
    /// A date, dateTime, instant or Period element stands to one of these spans as it asks.
    Date {
        elements: &'static [&'static str],
        values: Vec<DateValue>,
    },
    /// `meta.lastUpdated` does.
    LastUpdated(Vec<DateValue>),
    /// A word of a string or of a HumanName begins with one of these, whatever the case and the accents
    /// (http://hl7.org/fhir/R4/search.html#string).
    Text {
        elements: &'static [&'static str],
        values: Vec<String>,
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

/// One value of a date parameter (http://hl7.org/fhir/R4/search.html#date): the span `[from, until)`, open where there is no
/// bound, and how the resource's value must stand to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateValue {
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub relation: Relation,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// The value lies in the span as a whole.
    Within,
    /// It does not.
    NotWithin,
    /// They have a moment in common.
    Overlaps,
}

impl From<Identifier> for TokenValue {
    fn from(identifier: Identifier) -> Self {
        Self { system: Some(identifier.system), code: Some(identifier.value) }
    }
}

/// Where a listing goes on. Opaque to clients; stable while the listing's past does not change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor(pub String);

impl Cursor {
    /// As it stands in an address; an empty one is the beginning.
    pub fn given(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.to_string()))
    }
}

/// One resource that a search found, and the cursor by which the search goes on after it.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    pub stored: Stored,
    pub place: Cursor,
}

/// Part of what a search finds.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub items: Vec<Match>,
    /// None at the end.
    pub next: Option<Cursor>,
    /// How many resources were looked at. It does not depend on what of them is shown to whom.
    pub looked: usize,
}

/// Part of a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// None at the end.
    pub next: Option<Cursor>,
}
