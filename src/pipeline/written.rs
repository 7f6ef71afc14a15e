//! What a person writes down about a patient, as a statement about the record that goes the way of a message's (docs/decisions/0020).

use jiff::Timestamp;

use super::find::Known;
use crate::agreement::{Uncoded, label_arrival};
use crate::fhir::{Draft, Resource, Scope, ValueSets};
use crate::identity::{Identified, ResourceId};
use crate::problem::{Category, Place, Problem};
use crate::record::{Change, Stamp, Statement, merge};

/// Of any text, in characters.
pub const LONGEST_WORDS: usize = 500;

/// Who writes: as the audit names them, and as a note is signed; and what their words are labelled by.
pub struct By<'a> {
    pub source: &'a str,
    pub author: &'a str,
    pub value_sets: &'a ValueSets,
}

/// A resource as it is said, merged into the record: elements that are not said stay as they are.
pub fn written(known: &Known, id: ResourceId, resource: Resource, by: &By<'_>, now: Timestamp) -> Vec<Change> {
    written_without(known, id, (resource, Vec::new()), by, now)
}

/// The same, and these of its parts are said to be none any more.
pub fn written_without(
    known: &Known,
    id: ResourceId,
    (mut resource, deleted): (Resource, Vec<String>),
    by: &By<'_>,
    now: Timestamp,
) -> Vec<Change> {
    let kind = resource.resource_type().to_string();
    let before = known.record.get(&kind, id).map(|stored| &stored.resource);
    // What a person writes may name what few may know, as what a sender writes may.
    label_arrival(&mut resource, before, by.value_sets, Uncoded::Recognised);
    let draft = Draft { local: kind, scope: Scope::Patient, key: None, resource, deleted, sources: Default::default() };
    let statement = Statement {
        stamp: Stamp::new(now, now, format!("people/{}", by.source)),
        trigger: "update".to_string(),
        drafts: vec![Identified { id, draft }],
        events: std::collections::BTreeMap::new(),
        candidates: Vec::new(),
        received: now,
    };
    merge(&known.record, statement).changes
}

pub fn refused(category: Category, text: impl Into<String>) -> Problem {
    Problem::error(category, Place::Whole, text)
}

/// Whether each text is short enough.
pub fn short_enough(texts: &[&str]) -> Result<(), Problem> {
    // Nothing lost: the person is told, and nothing is taken.
    if texts.iter().any(|text| text.chars().count() > LONGEST_WORDS) {
        // Nothing lost: the person is told, and nothing is taken.
        return Err(refused(Category::TooLong, format!("Each text has at most {LONGEST_WORDS} characters.")));
    }
    Ok(())
}
