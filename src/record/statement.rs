//! What one input says.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Stamp;
use crate::fhir::Identifier;
use crate::identity::Identified;

#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// When it was true. Observations and reports that tell when they were issued count as of then.
    pub stamp: Stamp,
    /// The v2 trigger event (`A04`, `R01`), or the FHIR interaction (`create`, `update`).
    pub trigger: String,
    /// When single drafts were true and by which event, by their local names, where that is not as the rest.
    pub events: BTreeMap<String, (Stamp, String)>,
    /// What it states, under the ids of `Head::origin_of(candidates)`.
    pub drafts: Vec<Identified>,
    /// The patient's identifiers that lead to this record or to none yet (`identity::Chosen::identifiers`).
    pub candidates: Vec<Identifier>,
    /// When the gateway took it in: `meta.lastUpdated`.
    pub received: Timestamp,
}
