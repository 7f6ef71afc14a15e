//! Searching: the most selective term says which keys are read, and every candidate is tested against all terms.

use std::collections::{BTreeMap, BTreeSet};

use super::changed;
use super::changes::read_head;
use super::counters::Counters;
use super::guided;
use super::keys::{BY_IDENTIFIER, BY_TYPE, Key, OBSERVED, RESOURCE, Reader, identifier_term, resource_key};
use super::pack::{Terms, unpack_pair, unpack_stored};
use super::record::{observed_id, survivor};
use super::values;
use super::walk::{STEPS, Walked, cursor_of, key_of, present, walk_keys};
use crate::fhir::search::TokenValue;
use crate::identity::{PersonId, ResourceId};
use crate::record::Stored;
use crate::store::engine::{Span, View};
use crate::store::kinds::{OBSERVATION, kind};
use crate::store::query::{Following, Gathering, Narrowed, Window, is_newest_first, matches, narrow, place_in};
use crate::store::{Cursor, Found, Match, Query, Sort, StoreError, Term};

/// So many candidates are tested instead of being narrowed further.
const FEW: usize = 32;

/// In the order asked, or as the keys are; then what changed meanwhile and may have moved past the reader.
pub fn find(
    view: &dyn View,
    query: &Query,
    sort: &[Sort],
    cursor: Option<&Cursor>,
    count: usize,
) -> Result<Found, StoreError> {
    let reached = Counters::read(view)?.sequence;
    let following = cursor.map_or_else(|| Ok(Following::begun(reached, reached)), Following::of)?;
    let (since, at) = (following.since, following.at());
    if let Some(until) = following.until {
        let caught = missed(view, query, sort, following.window(until), at.as_ref(), count)?;
        return Ok(following.wrap(caught));
    }
    let found = in_order(view, query, sort, at.as_ref(), count)?;
    if found.next.is_some() || reached == since {
        return Ok(following.wrap(found));
    }
    let room = count.saturating_sub(found.items.len()).max(1);
    let caught = missed(view, query, sort, following.window(reached), None, room)?;
    Ok(following.close(found, caught, reached, count))
}

/// What changed while the listing went in its order: of a type by change, of some records among what they hold.
fn missed(
    view: &dyn View,
    query: &Query,
    sort: &[Sort],
    window: Window,
    cursor: Option<&Cursor>,
    count: usize,
) -> Result<Found, StoreError> {
    let kind = kind(&query.resource_type)?;
    let within = patient_records(view, query)?;
    let spans = match candidates(view, query, kind, within.as_ref())? {
        Some(ids) => ids.iter().map(|id| Span::prefix(resource_key(kind, *id))).collect(),
        None => match within {
            Some(within) => {
                let of_person = |person: &PersonId| Span::prefix(Key::new(RESOURCE).person(*person).byte(kind).done());
                within.iter().map(of_person).collect()
            }
            None => changed::of_type(kind, window.since),
        },
    };
    let judge = |stored: &Stored| matches(stored, query).then(|| place_in(query, sort, stored));
    changed::missed(view, kind, &spans, window, cursor, count, &judge).map(Walked::into_found)
}

fn in_order(
    view: &dyn View,
    query: &Query,
    sort: &[Sort],
    cursor: Option<&Cursor>,
    count: usize,
) -> Result<Found, StoreError> {
    if sort.is_empty() || is_newest_first(query, sort) {
        return search(view, query, cursor, count);
    }
    let mut gathering = Gathering::new(sort, cursor, count)?;
    let mut at = None;
    loop {
        let found = search(view, query, at.as_ref(), STEPS)?;
        at = found.next.clone();
        gathering.take(found)?;
        if at.is_none() {
            return gathering.finish();
        }
    }
}

fn search(view: &dyn View, query: &Query, cursor: Option<&Cursor>, count: usize) -> Result<Found, StoreError> {
    let kind = kind(&query.resource_type)?;
    let within = patient_records(view, query)?;
    if let Some(ids) = candidates(view, query, kind, within.as_ref())? {
        return of_ids(view, query, kind, ids, cursor, count);
    }
    walk_spans(view, query, kind, within, cursor, count).map(Walked::into_found)
}

fn walk_spans(
    view: &dyn View,
    query: &Query,
    kind: u8,
    within: Option<BTreeSet<PersonId>>,
    cursor: Option<&Cursor>,
    count: usize,
) -> Result<Walked<Stored>, StoreError> {
    let Some(within) = within else {
        let span = Span::prefix(Key::new(BY_TYPE).byte(kind).done());
        return walk_keys(view, &[span], cursor, count, |key, _| {
            let mut reader = Reader::of_key(key);
            let _: [u8; 9] = reader.take()?;
            fetch(view, query, kind, reader.id()?)
        });
    };
    if query.resource_type == OBSERVATION {
        let spans: Vec<_> =
            within.iter().map(|person| Span::prefix(Key::new(OBSERVED).person(*person).done())).collect();
        return walk_keys(view, &spans, cursor, count, |key, _| fetch(view, query, kind, observed_id(key)?.1));
    }
    let of_person = |person: &PersonId| Span::prefix(Key::new(RESOURCE).person(*person).byte(kind).done());
    let spans: Vec<_> = within.iter().map(of_person).collect();
    walk_keys(view, &spans, cursor, count, |key, value| {
        let stored = unpack_pair(key, value)?;
        Ok(matches(&stored, query).then_some(stored))
    })
}

/// The records that all Patient terms allow, in order; none when there is no such term.
fn patient_records(view: &dyn View, query: &Query) -> Result<Option<BTreeSet<PersonId>>, StoreError> {
    let mut within: Option<BTreeSet<PersonId>> = None;
    for term in &query.terms {
        let records;
        let asked = match term {
            Term::Patient(asked) => asked,
            Term::Of(criterion) => match narrow(&query.resource_type, criterion) {
                Narrowed::Records(ids) => {
                    records = ids.iter().map(|id| id.person).collect::<Vec<_>>();
                    &records
                }
                _ => continue,
            },
            _ => continue,
        };
        let mut allowed = BTreeSet::new();
        for person in asked {
            let person = survivor(view, *person)?;
            match read_head(view, person)? {
                // For Patient itself: that patient, not those taken over.
                Some(head) if query.resource_type != "Patient" => allowed.extend(head.family()),
                _ => _ = allowed.insert(person),
            }
        }
        within = Some(within.map_or(allowed.clone(), |before| before.intersection(&allowed).copied().collect()));
    }
    Ok(within)
}

/// The ids that the terms name outright; none when they name none.
fn candidates(
    view: &dyn View,
    query: &Query,
    kind: u8,
    within: Option<&BTreeSet<PersonId>>,
) -> Result<Option<BTreeSet<ResourceId>>, StoreError> {
    let mut found: Option<BTreeSet<ResourceId>> = None;
    for term in &query.terms {
        let is_narrow = found.as_ref().is_some_and(|ids| ids.len() <= FEW);
        let ids = match term {
            Term::Id(ids) => ids.iter().copied().collect(),
            // So few are tested sooner than those are listed that have a common value, too.
            _ if is_narrow => continue,
            Term::Identifier(values) => match by_identifier(view, kind, values)? {
                Some(ids) => ids,
                None => continue,
            },
            // Within a record all of it is read, in its own order.
            Term::Of(criterion) if within.is_none() => match narrow(&query.resource_type, criterion) {
                Narrowed::Terms(terms) => match values::found(view, kind, &terms)? {
                    Some(ids) => ids,
                    None => continue,
                },
                Narrowed::Guided(parameter, terms) => match guided::found(view, kind, parameter, &terms)? {
                    Some(ids) => ids,
                    None => continue,
                },
                _ => continue,
            },
            _ => continue,
        };
        found = Some(found.map_or(ids.clone(), |before: BTreeSet<_>| before.intersection(&ids).copied().collect()));
    }
    if found.is_none() && query.resource_type == "Patient" {
        found = within.map(|persons| persons.iter().map(|person| ResourceId::patient(*person)).collect());
    }
    if let (Some(ids), Some(persons)) = (&mut found, within) {
        ids.retain(|id| persons.contains(&id.person));
    }
    Ok(found)
}

/// None when a value names no code, or so many resources have one that reading on by type is as good.
fn by_identifier(view: &dyn View, kind: u8, values: &[TokenValue]) -> Result<Option<BTreeSet<ResourceId>>, StoreError> {
    let mut ids = BTreeSet::new();
    for value in values {
        let Some(code) = &value.code else { return Ok(None) };
        let term = identifier_term(value.system.as_deref().unwrap_or_default(), code);
        let length = if value.system.is_some() { term.len() } else { 8 };
        let prefix = Key::new(BY_IDENTIFIER).byte(kind).bytes(term.get(..length).unwrap_or_default()).done();
        let pairs = view.scan(&Span::prefix(prefix), STEPS)?;
        if pairs.len() == STEPS {
            return Ok(None);
        }
        for (key, _) in pairs {
            let mut reader = Reader::of_key(&key);
            let _: [u8; 17] = reader.take()?;
            ids.insert(reader.id()?);
        }
    }
    Ok(Some(ids))
}

/// Newest change first, as a listing of the type is.
fn of_ids(
    view: &dyn View,
    query: &Query,
    kind: u8,
    ids: BTreeSet<ResourceId>,
    cursor: Option<&Cursor>,
    count: usize,
) -> Result<Found, StoreError> {
    let after = cursor.map(key_of).transpose()?;
    let mut places: BTreeMap<Vec<u8>, (ResourceId, Vec<u8>)> = BTreeMap::new();
    for id in ids {
        if let Some(value) = view.get(&resource_key(kind, id))? {
            let place = Key::new(BY_TYPE).byte(kind).newest(Terms::of_packed(&value)?.sequence).id(id).done();
            places.insert(place, (id, value));
        }
    }
    let (mut items, mut looked, mut last) = (Vec::new(), 0, after.clone());
    for (place, (id, value)) in places.into_iter().filter(|(place, _)| after.as_ref().is_none_or(|after| place > after))
    {
        if items.len() >= count.clamp(1, 1000) || looked == STEPS {
            return Ok(Found { items, next: last.as_deref().map(cursor_of), looked });
        }
        looked += 1;
        let stored = Some(unpack_stored(id, &value)?).filter(|stored| matches(stored, query));
        items.extend(stored.map(|stored| Match { stored, place: cursor_of(&place) }));
        last = Some(place);
    }
    Ok(Found { items, next: None, looked })
}

fn fetch(view: &dyn View, query: &Query, kind: u8, id: ResourceId) -> Result<Option<Stored>, StoreError> {
    let value = present(view.get(&resource_key(kind, id))?, "an indexed resource")?;
    Ok(Some(unpack_stored(id, &value)?).filter(|stored| matches(stored, query)))
}
