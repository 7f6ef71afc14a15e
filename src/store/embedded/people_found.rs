//! Finding people by the words of the index (`people`): part by part, then followed through merges and put in order.

use std::collections::{BTreeMap, BTreeSet};

use super::keys::{Key, PERSON_WORD, Reader};
use super::people::END;
use super::record::{current, survivor};
use crate::identity::PersonId;
use crate::store::StoreError;
use crate::store::engine::{Span, View};
use crate::store::people::{FindWord, MOST_PEOPLE, PeopleFound, PeopleQuery, Reached, in_order};

pub fn find(view: &dyn View, query: &PeopleQuery, from: usize, count: usize) -> Result<PeopleFound, StoreError> {
    let reached = query.parts.iter().map(|part| reach(view, part)).collect::<Result<Vec<_>, _>>()?;
    let Some((mut found, wide)) = query.combined(reached) else { return Ok(PeopleFound::default()) };
    if !wide.is_empty() {
        let mut fits = BTreeSet::new();
        for id in found.keys() {
            let patient = current(view, "Patient", *id)?;
            fits.extend(patient.filter(|patient| query.holds(&wide, patient)).map(|_| *id));
        }
        found.retain(|id, _| fits.contains(id));
    }
    let mut left: BTreeMap<PersonId, PersonId> = BTreeMap::new();
    for id in found.keys() {
        left.insert(id.person, survivor(view, id.person)?);
    }
    let now = |person| left.get(&person).copied().unwrap_or(person);
    let (ids, total) = in_order(found, now, (from, count.clamp(1, 1000)));
    let items = ids.into_iter().map(|id| current(view, "Patient", id)).filter_map(Result::transpose);
    Ok(PeopleFound { items: items.collect::<Result<_, _>>()?, total: Some(total) })
}

/// Everybody of whom one of the words holds.
fn reach(view: &dyn View, words: &[FindWord]) -> Result<Reached, StoreError> {
    let mut found = BTreeMap::new();
    for word in words {
        let key = Key::new(PERSON_WORD).bytes(word.word().as_bytes());
        let prefix = if word.is_whole { key.byte(END) } else { key };
        let pairs = view.scan(&Span::prefix(prefix.done()), MOST_PEOPLE + 1)?;
        if pairs.len() > MOST_PEOPLE {
            return Ok(None);
        }
        for (key, name) in pairs {
            let id = key.get(key.len().saturating_sub(ID)..).unwrap_or_default();
            found.insert(Reader(id).id()?, String::from_utf8_lossy(&name).into_owned());
        }
    }
    Ok(Some(found))
}

/// Bytes of an id in a key.
const ID: usize = size_of::<PersonId>() + size_of::<PersonId>();
