//! The terms of a query, cursors and pages.

use jiff::Timestamp;

use serde::{Deserialize, Serialize};

use crate::fhir::search::{Criterion, DateValue, Filter, TokenValue, Words};
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
    /// `meta.lastUpdated` stands to one of these spans as it asks.
    LastUpdated(Vec<DateValue>),
    /// No condition: what was deleted, or went into another, is found as well.
    EvenDeleted,
    /// What a search parameter finds passes its test.
    Of(Criterion),
    /// It lies in one of these records: as a `Patient` term, but tested, with merges followed before.
    Within(Vec<PersonId>),
    /// Words are in its narrative, or in all of it.
    Words(Words),
    /// Terms that are joined otherwise than all of them. `Patient` terms cannot stand in it: these are not tested.
    Where(Box<Filter<Term>>),
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

/// Which versions of resources a history asks for (http://hl7.org/fhir/R4/http.html#history).
#[derive(Debug, Clone, Default)]
pub struct Past {
    pub types: Vec<String>,
    /// Written at this moment or later.
    pub since: Option<Timestamp>,
    /// Written before this moment.
    pub before: Option<Timestamp>,
}
