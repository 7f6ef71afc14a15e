//! What a request comes to once all of it is decided: each resource as it will stand, and what of it the record did not take.

use tokio::sync::OwnedMutexGuard;

use super::super::decide::Decided;
use super::super::hot::Weight;
use super::outcome::{Done, Happened};
use super::weigh::Ruling;
use crate::fhir::Resource;
use crate::problem::{Category, Place, Problem};
use crate::record::Stored;
use crate::unused::Kind;

pub(super) struct Settled {
    pub decided: Decided,
    pub weight: Weight,
    pub done: Vec<Done>,
    pub notes: Vec<Problem>,
    /// Until it is written nobody else works on the records.
    pub _locks: Vec<OwnedMutexGuard<()>>,
}

pub(super) fn settle(
    decided: Decided,
    weight: Weight,
    mut rulings: Vec<Ruling>,
    (mut notes, locks): (Vec<Problem>, Vec<OwnedMutexGuard<()>>),
) -> Settled {
    rulings.sort_by_key(|ruling| ruling.place);
    let mut done = Vec::new();
    for ruling in rulings {
        let mut changes = decided.unit.changes.iter().map(|change| &change.stored);
        let is_it = |stored: &&Stored| stored.id == ruling.id && stored.resource.resource_type() == ruling.kind;
        let written = changes.rfind(is_it);
        if let (Some(said), Some(written)) = (&ruling.said, written) {
            notes.extend(not_taken(&ruling, said, &written.resource));
        }
        let known = ruling.known.unwrap_or_default();
        let (version, updated) = written.map_or(known, |stored| (stored.version, stored.updated));
        let is_same = ruling.happened == Happened::Updated && version == known.0;
        let happened = if is_same { Happened::Unchanged } else { ruling.happened };
        done.push(Done { place: ruling.place, kind: ruling.kind, id: ruling.id, version, updated, happened });
    }
    Settled { decided, weight, done, notes, _locks: locks }
}

/// What another's word outdoes is told: the answer would look as if it stood.
fn not_taken(ruling: &Ruling, said: &Resource, stands: &Resource) -> Option<Problem> {
    let is_computed = |element: &str| {
        let of_visit = ["class", "period", "location", "hospitalization", "statusHistory", "classHistory"];
        element == "meta" || (ruling.kind == "Encounter" && of_visit.contains(&element))
    };
    let lost = said.as_map().iter().filter(|(element, value)| {
        let stands = stands.get(element);
        let is_there = match (value, stands) {
            // Lists with keys grow: what others added stands beside it.
            (serde_json::Value::Array(said), Some(serde_json::Value::Array(stands))) => {
                said.iter().all(|item| stands.contains(item))
            }
            (value, stands) => stands == Some(*value),
        };
        !is_computed(element) && !is_there
    });
    let lost: Vec<&str> = lost.map(|(element, _)| element.as_str()).collect();
    let text =
        format!("not taken: {}; somebody whose word weighs more, or is later, says it otherwise", lost.join(", "));
    let place = Place::Element(ruling.kind.clone());
    let about = format!("{} that others said", ruling.kind);
    (!lost.is_empty()).then(|| Problem::warning(Category::Conflict, place, text).unused(Kind::Field, &about))
}
