//! Whose record an input is about, and that record as it stands: all reading that deciding needs, done before it.

use std::collections::BTreeSet;

use super::Gateway;
use crate::fhir::{Identifier, Resource};
use crate::identity::{self, Identified, PersonId};
use crate::mapping::Mapped;
use crate::problem::{Category, FieldPlace, Place, Problem};
use crate::record::{Membership, Record, touched};
use crate::site::Feed;
use crate::store::{Store, StoreError};

/// The newest observations that are read with a record; rules look back no further.
pub(super) const OBSERVATIONS: usize = 256;

/// A record with the panels its patient is on.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    pub record: Record,
    pub memberships: Vec<Membership>,
}

/// What deciding about one message needs.
pub(super) struct Found {
    pub known: Known,
    pub identifiers: Vec<Identifier>,
    pub identified: Vec<Identified>,
    /// The record that a merge message takes over, and how the message names it.
    pub prior: Option<(Record, Vec<Identifier>)>,
    pub problems: Vec<Problem>,
}

/// The records a message may touch, for locking: found again after the locks are held, as a merge may have moved them.
pub(super) async fn persons(
    store: &dyn Store,
    candidates: &[Identifier],
    prior: &[Identifier],
) -> Result<Vec<PersonId>, StoreError> {
    let mut persons = vec![choose(store, candidates).await?.person];
    if !prior.is_empty() {
        persons.push(choose(store, prior).await?.person);
    }
    Ok(persons)
}

async fn choose(store: &dyn Store, candidates: &[Identifier]) -> Result<identity::Chosen, StoreError> {
    let known = store.persons_of(candidates).await?;
    Ok(identity::choose_person(candidates, &known))
}

/// The identifiers in a message that say who the patient is; none is a fault of PID-3.
pub(super) fn candidates(feed: &Feed, mapped: &Mapped) -> Result<Vec<Identifier>, Problem> {
    let at_field = |mut problem: Problem| {
        problem.place = Place::Field(FieldPlace::field("PID", 1, 3));
        problem
    };
    let mut patients = mapped.drafts.iter().filter(|draft| draft.resource.resource_type() == "Patient");
    let empty = Resource::new("Patient");
    let patient = patients.next().map_or(&empty, |draft| &draft.resource);
    // All that a message states goes into one record; another patient's results must never end up there.
    if patients.next().is_some() {
        let place = Place::Field(FieldPlace::segment("PID", 2));
        let text = "more than one patient in a message; send each patient in a message of their own";
        return Err(Problem::error(Category::NotSupported, place, text));
    }
    identity::candidates(patient, &feed.identified_by).map_err(at_field)
}

/// Reads what deciding needs.
pub(super) async fn find(
    store: &dyn Store,
    mapped: &Mapped,
    candidates: &[Identifier],
    prior: &[Identifier],
) -> Result<Found, StoreError> {
    let chosen = choose(store, candidates).await?;
    let mut record = store.record(chosen.person, &[], OBSERVATIONS).await?;
    let origin = record.head.origin_of(&chosen.identifiers);
    let (identified, mut problems) = identity::assign(mapped.drafts.clone(), origin);
    complete(store, &mut record, &identified).await?;
    let prior = match prior {
        [] => None,
        prior => {
            let gone = choose(store, prior).await?;
            Some((store.record(gone.person, &[], OBSERVATIONS).await?, gone.identifiers))
        }
    };
    let stated = mapped.draft("Patient").map(|draft| draft.resource.identifiers()).unwrap_or_default();
    let before: Vec<Identifier> = prior.iter().flat_map(|(prior, _)| prior.head.identifiers.clone()).collect();
    let memberships = memberships(store, &record, stated.into_iter().chain(before).collect()).await?;
    problems.extend(chosen.problems);
    Ok(Found { known: Known { record, memberships }, identifiers: chosen.identifiers, identified, prior, problems })
}

/// Adds to a loaded record what a statement touches and loading left out: shared resources and old observations.
async fn complete(store: &dyn Store, record: &mut Record, identified: &[Identified]) -> Result<(), StoreError> {
    for (kind, id) in touched(&record.head, identified) {
        if record.get(&kind, id).is_none()
            && let Some(stored) = store.resource(&kind, id).await?
        {
            record.resources.insert((kind, id), stored);
        }
    }
    Ok(())
}

async fn memberships(
    store: &dyn Store,
    record: &Record,
    stated: Vec<Identifier>,
) -> Result<Vec<Membership>, StoreError> {
    let known = record.of_type("Patient").flat_map(|patient| patient.resource.identifiers());
    let all: BTreeSet<Identifier> = record.head.identifiers.iter().cloned().chain(known).chain(stated).collect();
    store.memberships(&all.into_iter().collect::<Vec<_>>()).await
}

impl Gateway {
    /// A record by any of its ids, merges followed, with its patient's panels.
    pub async fn load(&self, person: PersonId, observations: usize) -> Result<Known, StoreError> {
        let store = &*self.store;
        let mut person = person;
        // A chain of merges is short; the bound is against damage.
        for _ in 0..32 {
            match store.head(person).await?.and_then(|head| head.merged_into) {
                Some(next) => person = next,
                None => break,
            }
        }
        let record = store.record(person, &[], observations).await?;
        let memberships = memberships(store, &record, Vec::new()).await?;
        Ok(Known { record, memberships })
    }
}
