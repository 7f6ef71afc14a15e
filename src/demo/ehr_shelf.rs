//! What the stand-in EHR holds, in memory.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::fhir::{Identifier, Resource};

/// One resource as the EHR holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    pub id: String,
    pub version: u64,
    pub updated: Timestamp,
    pub resource: Resource,
}

/// What is held, by type and the identifier it was updated by.
pub(super) type Shelf = BTreeMap<(String, Identifier), Held>;
