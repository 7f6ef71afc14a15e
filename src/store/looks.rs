//! What waits for a person's look (`not-looked-at`, docs/agreements.md), over all patients. Both stores keep an index of just that,
//! written in the same commit as the thing itself. Pure; every store asks here.

use super::query::Page;
use crate::agreement::is_for_looks;
use crate::fhir::{is_hold, labels_of};
use crate::record::Stored;

/// A page of what waits, and exactly how much there is in all, of one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct ToLookAt {
    pub page: Page<Stored>,
    pub total: u64,
}

/// Whether somebody is to look at it. Work that tells of such a thing, and what puts such results together, waits with it and is not
/// looked at itself.
pub(super) fn waits_for_look(stored: &Stored) -> bool {
    let state = &stored.state;
    let is_stated = state.work.is_none() && state.superseded.is_none() && state.made_of.is_empty();
    is_stated && is_for_looks(stored.resource.resource_type()) && labels_of(&stored.resource).any(is_hold)
}
