//! A labelled thing as pages show it.

use jiff::tz::TimeZone;

use super::page;
use crate::agreement::is_for_looks;
use crate::fhir::{concept_title, is_hold, labels_of};
use crate::record::Stored;

/// A labelled thing as pages show it.
pub(super) struct Thing {
    pub kind: String,
    pub id: String,
    pub title: String,
    pub labels: String,
    pub waits: bool,
    pub feed: String,
    pub updated: String,
}

impl Thing {
    pub(super) fn of(stored: &Stored, zone: &TimeZone) -> Self {
        let title = concept_title(stored.resource.get("code")).or_else(|| concept_title(stored.resource.get("type")));
        Self {
            kind: stored.resource.resource_type().to_string(),
            id: stored.id.to_string(),
            title: title.unwrap_or("without a title").to_string(),
            labels: labels(stored),
            waits: labels_of(&stored.resource).any(is_hold),
            feed: stored.feed().unwrap_or_default().to_string(),
            updated: page::second(stored.updated, zone),
        }
    }

    /// Those of a record that are labelled and can be looked at; what waits comes first.
    pub(super) fn of_record<'s>(all: impl Iterator<Item = &'s Stored>, zone: &TimeZone) -> Vec<Self> {
        let is_stated = |stored: &&Stored| {
            let state = &stored.state;
            state.work.is_none() && state.superseded.is_none() && state.made_of.is_empty()
        };
        let is_shown = |stored: &&Stored| is_for_looks(stored.resource.resource_type()) && !labels(stored).is_empty();
        let mut things: Vec<Self> =
            all.filter(is_stated).filter(is_shown).map(|stored| Self::of(stored, zone)).collect();
        things.sort_by_key(|thing| !thing.waits);
        things
    }
}

/// The codes of its labels in one line.
fn labels(stored: &Stored) -> String {
    let codes = labels_of(&stored.resource).filter_map(|label| label.get("code")?.as_str());
    codes.collect::<Vec<_>>().join(", ")
}
