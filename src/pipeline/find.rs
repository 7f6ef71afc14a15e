//! Whose record an input is about, and that record as it stands: all reading that deciding needs, done before it.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::Gateway;
use super::hot::{Hot, OBSERVATIONS, Weight};
use super::overlay::Overlay;
use super::portions::Portion;
use crate::fhir::search::{Asked, Criterion, DateValue, Relation, SearchTable};
use crate::fhir::{Identifier, Resource, ValueSets};
use crate::identity::{self, Identified, PersonId, ResourceId};
use crate::problem::Problem;
use crate::protocol::{Action, Memory};
use crate::record::{Head, Membership, Record, is_half_pressure, touched};
use crate::store::{Query, Store, StoreError, Term};

/// The code of the event by which a FHIR write stands among messages.
pub(super) const FHIR: &str = "FHIR";

/// A record with the panels its patient is on.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    pub record: Record,
    pub memberships: Vec<Membership>,
}

/// What deciding about one message needs.
pub(super) struct Found {
    pub known: Known,
    pub weight: Weight,
    pub memory: Memory,
    pub identifiers: Vec<Identifier>,
    pub identified: Vec<Identified>,
    /// The record that a merge message takes over, and how the message names it.
    pub prior: Option<(Record, Vec<Identifier>)>,
    pub problems: Vec<Problem>,
    /// What people say of work that is there, by its Task.
    pub said: Vec<(ResourceId, Action)>,
    /// Who says it, for others to read.
    pub author: String,
}

/// The records a message may touch, for locking: found again after the locks are held, as a merge may have moved them.
pub(super) async fn persons(store: &dyn Store, portions: &[Portion<'_>]) -> Result<Vec<PersonId>, StoreError> {
    let (overlay, mut persons) = (Overlay::default(), Vec::new());
    for portion in portions {
        persons.push(choose(store, &overlay, &portion.candidates).await?.person);
        if !portion.prior.is_empty() {
            persons.push(choose(store, &overlay, &portion.prior).await?.person);
        }
    }
    Ok(persons)
}

pub(super) async fn choose(
    store: &dyn Store,
    overlay: &Overlay,
    candidates: &[Identifier],
) -> Result<identity::Chosen, StoreError> {
    let known = store.persons_of(candidates).await?;
    Ok(identity::choose_person(candidates, &overlay.persons_of(candidates, known)))
}

/// A record as the earlier portions of the message left it.
async fn record(store: &dyn Store, overlay: &Overlay, person: PersonId) -> Result<Record, StoreError> {
    let mut record = store.record(person, &[], OBSERVATIONS).await?;
    for absorbed in overlay.absorbed(&record) {
        let absorbed = store.record(absorbed, &[], OBSERVATIONS).await?;
        record.resources.extend(absorbed.resources);
        record.truncated |= absorbed.truncated;
    }
    overlay.complete(&mut record);
    Ok(record)
}

/// A record that was used lately and that nobody has changed since.
async fn warm(
    store: &dyn Store,
    hot: &Hot,
    overlay: &Overlay,
    person: PersonId,
) -> Result<Option<(Record, Weight, Memory)>, StoreError> {
    if !overlay.is_empty() || !hot.has(person) {
        return Ok(None);
    }
    let head = store.head(person).await?;
    Ok(head.and_then(|head| hot.take_out(&head)))
}

/// Reads what deciding about a portion needs.
pub(super) async fn find(
    Gateway { store, hot, repeats, .. }: &Gateway,
    value_sets: &ValueSets,
    overlay: &Overlay,
    portion: &Portion<'_>,
) -> Result<Found, StoreError> {
    let store = &**store;
    let chosen = choose(store, overlay, &portion.candidates).await?;
    let (mut known, weight, memory) = match warm(store, hot, overlay, chosen.person).await? {
        Some(warm) => warm,
        None => (record(store, overlay, chosen.person).await?, Weight::default(), Memory::default()),
    };
    let origin = known.head.origin_of(&chosen.identifiers);
    let (mut identified, mut problems) = identity::assign_known(portion.drafts.to_vec(), origin, &portion.ids);
    // A FHIR client is told of everything that it writes, also of what only repeats.
    let is_told = portion.event.code == FHIR;
    if overlay.is_empty() && !is_told {
        repeats.leave_out(store, value_sets, &mut identified).await?;
    }
    complete(store, &mut known, &identified).await?;
    if overlay.is_empty() {
        repeats.remember(value_sets, &known, &identified);
    }
    let prior = match portion.prior.as_slice() {
        [] => None,
        prior => {
            let gone = choose(store, overlay, prior).await?;
            Some((record(store, overlay, gone.person).await?, gone.identifiers))
        }
    };
    let before: Vec<Identifier> = prior.iter().flat_map(|(prior, _)| prior.head.identifiers.clone()).collect();
    let memberships = memberships(store, &known, portion.stated().into_iter().chain(before).collect()).await?;
    problems.extend(chosen.problems);
    let known = Known { record: known, memberships };
    Ok(Found {
        known,
        weight,
        memory,
        identifiers: chosen.identifiers,
        identified,
        prior,
        problems,
        said: Vec::new(),
        author: String::new(),
    })
}

/// Reads what deciding about what belongs to no patient needs: the things themselves.
pub(super) async fn find_shared(store: &dyn Store, portion: &Portion<'_>) -> Result<Found, StoreError> {
    let (identified, problems) = identity::assign_known(portion.drafts.to_vec(), PersonId::SHARED, &portion.ids);
    let mut record = Record::new(PersonId::SHARED);
    complete(store, &mut record, &identified).await?;
    let known = Known { record, memberships: Vec::new() };
    let (weight, memory) = (Weight::default(), Memory::default());
    let (identifiers, prior, said, author) = (Vec::new(), None, Vec::new(), String::new());
    Ok(Found { known, weight, memory, identifiers, identified, prior, problems, said, author })
}

/// Adds to a loaded record what a statement touches and loading left out: shared resources and old observations.
async fn complete(store: &dyn Store, record: &mut Record, identified: &[Identified]) -> Result<(), StoreError> {
    let oldest = record.resources.observed_first().filter(|_| record.truncated);
    let mut lacking = touched(&record.head, identified);
    // Nothing lost: what is there need not be read.
    lacking.retain(|key| !record.resources.contains_key(key));
    if !lacking.is_empty() {
        for stored in store.resources(&lacking).await? {
            record.resources.put(stored);
        }
    }
    if let Some(oldest) = oldest {
        complete_moments(store, record, identified, oldest).await?;
    }
    Ok(())
}

/// Adds what was measured together with results of long ago: the other half of a pressure, and the panel of both.
async fn complete_moments(
    store: &dyn Store,
    record: &mut Record,
    identified: &[Identified],
    oldest: Timestamp,
) -> Result<(), StoreError> {
    let stated = identified.iter().map(|one| &one.draft.resource).filter(|resource| is_half_pressure(resource));
    let known = identified.iter().filter_map(|one| record.get("Observation", one.id)).map(|stored| &stored.resource);
    let results = stated.chain(known.filter(|resource| is_half_pressure(resource)));
    let moments: BTreeSet<&str> = results.filter_map(moment).collect();
    // Nothing lost: a result without a time that can be read stands beside none.
    let moments: Vec<Timestamp> = moments.into_iter().filter_map(|text| text.parse().ok()).collect();
    for moment in moments.into_iter().filter(|moment| *moment <= oldest) {
        let until = moment.checked_add(SignedDuration::from_nanos(1)).unwrap_or(moment);
        let span = DateValue { from: Some(moment), until: Some(until), relation: Relation::Overlaps };
        let measured = SearchTable::built_in().find("Observation", "date").into_iter();
        let measured = measured.map(|date| Term::Of(Criterion::any(date, vec![Asked::Date(span)])));
        let terms = std::iter::once(Term::Patient(record.head.family().collect())).chain(measured).collect();
        let query = Query { resource_type: "Observation".to_string(), terms };
        let mut cursor = None;
        loop {
            let page = store.search(&query, cursor.as_ref(), OBSERVATIONS).await?;
            for stored in page.items {
                // An earlier part of the same input may have changed what the store still has as it was.
                if record.get("Observation", stored.id).is_none() {
                    record.resources.put(stored);
                }
            }
            match page.next {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
    }
    Ok(())
}

/// When a result was measured, as far as others can have been measured then.
fn moment(resource: &Resource) -> Option<&str> {
    let period = || resource.get("effectivePeriod")?.get("start")?.as_str();
    resource.text("effectiveDateTime").or_else(|| resource.text("effectiveInstant")).or_else(period)
}

/// The panels of a patient, by all identifiers that lead to the record, that its Patients state, and these.
pub(super) async fn memberships(
    store: &dyn Store,
    record: &Record,
    stated: Vec<Identifier>,
) -> Result<Vec<Membership>, StoreError> {
    let known = record.of_type("Patient").flat_map(|patient| patient.resource.identifiers());
    let all: BTreeSet<Identifier> = record.head.identifiers.iter().cloned().chain(known).chain(stated).collect();
    store.memberships(&all.into_iter().collect::<Vec<_>>()).await
}

/// A record that somebody works on: until it is put back it is nowhere else in memory.
pub(super) struct Taken {
    pub known: Known,
    pub weight: Weight,
    pub memory: Memory,
}

impl Gateway {
    /// The head of a record by any of its ids, merges followed.
    pub(super) async fn living(&self, person: PersonId) -> Result<Head, StoreError> {
        let mut person = person;
        // A chain of merges is short; the bound is against damage.
        for _ in 0..32 {
            match self.store.head(person).await? {
                Some(Head { merged_into: Some(next), .. }) => person = next,
                Some(head) => return Ok(head),
                None => break,
            }
        }
        Ok(Head::new(person))
    }

    /// A record to work on, from memory where it was used lately; whoever takes it has its lock.
    pub(super) async fn take_up(&self, person: PersonId) -> Result<Taken, StoreError> {
        let store = &*self.store;
        match warm(store, &self.hot, &Overlay::default(), person).await? {
            Some((record, weight, memory)) => {
                let memberships = memberships(store, &record, Vec::new()).await?;
                Ok(Taken { known: Known { record, memberships }, weight, memory })
            }
            None => {
                let known = self.load(person, OBSERVATIONS).await?;
                Ok(Taken { known, weight: Weight::default(), memory: Memory::default() })
            }
        }
    }

    /// A record by any of its ids, merges followed, with its patient's panels.
    pub async fn load(&self, person: PersonId, observations: usize) -> Result<Known, StoreError> {
        let store = &*self.store;
        let person = self.living(person).await?.person;
        let record = store.record(person, &[], observations).await?;
        let memberships = memberships(store, &record, Vec::new()).await?;
        Ok(Known { record, memberships })
    }
}
