//! Versions by when they were written: each stands in an index of its type and never moves, so that the history of a type, or of several
//! merged, reads what it gives (http://hl7.org/fhir/R4/http.html#history).

use jiff::{SignedDuration, Timestamp};

use super::draft::Draft;
use super::keys::{HISTORY, Key, RESOURCE, Reader, WRITTEN, history_key, resource_key, time_bytes, time_of};
use super::pack::{Terms, unpack_stored};
use super::rebuild::{CHUNK, clear, in_steps};
use super::walk::{cursor_of, key_of, present};
use crate::identity::ResourceId;
use crate::record::Stored;
use crate::store::engine::{Engine, Span, View};
use crate::store::kinds::kind;
use crate::store::{Cursor, Found, Match, Past, StoreError};

/// No page is larger.
const PAGE: usize = 1000;

fn key(kind: u8, id: ResourceId, terms: &Terms) -> Vec<u8> {
    Key::new(WRITTEN).byte(kind).newest_time(time_bytes(terms.updated)).id(id).newest(terms.version).done()
}

/// Puts a version where it belongs. One that another replaced stays.
pub fn moved(draft: &mut Draft<'_>, (kind, id): (u8, ResourceId), old: Option<&Terms>, new: &Terms) {
    match old.filter(|old| old.version == new.version) {
        Some(old) if old.updated == new.updated => return,
        Some(old) => draft.delete(key(kind, id, old)),
        None => {}
    }
    draft.put(key(kind, id, new), Vec::new());
}

/// Where a listing stands: a version's key, taken apart.
struct Place {
    kind: u8,
    updated: Timestamp,
    id: ResourceId,
    version: u64,
}

impl Place {
    fn of(key: &[u8]) -> Result<Self, StoreError> {
        let mut reader = Reader::of_key(key);
        let kind = reader.byte()?;
        let time: [u8; 12] = reader.take()?;
        let updated = time_of(time.map(|byte| !byte))?;
        Ok(Self { kind, updated, id: reader.id()?, version: !reader.number()? })
    }

    /// In the order of the listing.
    fn rank(&self) -> (std::cmp::Reverse<Timestamp>, u8, ResourceId, std::cmp::Reverse<u64>) {
        (std::cmp::Reverse(self.updated), self.kind, self.id, std::cmp::Reverse(self.version))
    }
}

pub fn page(view: &dyn View, past: &Past, cursor: Option<&Cursor>, count: usize) -> Result<Found, StoreError> {
    let count = count.clamp(1, PAGE);
    let after = cursor.map(key_of).transpose()?;
    let (mut places, mut looked) = (Vec::new(), 0);
    for name in &past.types {
        for (key, _) in view.scan(&span(kind(name)?, past, after.as_deref())?, count + 1)? {
            looked += 1;
            places.push((Place::of(&key)?, key));
        }
    }
    places.sort_by_key(|(place, _)| place.rank());
    let is_more = places.len() > count;
    // Nothing lost: the cursor goes on with them.
    places.truncate(count);
    let next = places.last().filter(|_| is_more).map(|(_, key)| cursor_of(key));
    let items = places.iter().map(|(place, key)| Ok(Match { stored: fetch(view, place)?, place: cursor_of(key) }));
    Ok(Found { items: items.collect::<Result<_, StoreError>>()?, next, looked })
}

/// What of a type is asked for and comes after a place.
fn span(kind: u8, past: &Past, after: Option<&[u8]>) -> Result<Span, StoreError> {
    let of_kind = || Key::new(WRITTEN).byte(kind);
    let whole = Span::prefix(of_kind().done());
    // The newest first: a key with a later time is smaller.
    let first_before = |time: Timestamp| match time.checked_sub(SignedDuration::from_nanos(1)) {
        Ok(earlier) => of_kind().newest_time(time_bytes(earlier)).done(),
        Err(_) => whole.until.clone(),
    };
    let mut from = past.before.map_or_else(|| whole.from.clone(), first_before);
    let until = past.since.map_or_else(|| whole.until.clone(), first_before);
    if let Some(after) = after {
        let place = Place::of(after)?;
        let next = match kind.cmp(&place.kind) {
            std::cmp::Ordering::Less => first_before(place.updated),
            std::cmp::Ordering::Equal => [after, &[0]].concat(),
            std::cmp::Ordering::Greater => of_kind().newest_time(time_bytes(place.updated)).done(),
        };
        from = from.max(next);
    }
    Ok(Span::between(from, until))
}

fn fetch(view: &dyn View, place: &Place) -> Result<Stored, StoreError> {
    let current = present(view.get(&resource_key(place.kind, place.id))?, "an indexed resource")?;
    if Terms::of_packed(&current)?.version == place.version {
        return unpack_stored(place.id, &current);
    }
    let past = view.get(&history_key(place.kind, place.id, place.version))?;
    unpack_stored(place.id, &present(past, "an indexed version")?)
}

/// Indexes the versions that a program wrote which kept no such index, in bounded steps; begun again, it makes the same.
pub fn build(engine: &dyn Engine) -> Result<(), StoreError> {
    clear(engine, WRITTEN)?;
    let mut count = 0;
    for space in [RESOURCE, HISTORY] {
        count += in_steps(engine, Span::prefix(vec![space]), CHUNK, &|draft, known, value| {
            let mut reader = Reader::of_key(known);
            let (person, kind, local) = (reader.person()?, reader.byte()?, reader.take()?);
            draft.put(key(kind, ResourceId { person, local }, &Terms::of_packed(value)?), Vec::new());
            Ok(())
        })?;
    }
    if count > 0 {
        tracing::info!(versions = count, "indexed by when they were written");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fhir::Resource;
    use crate::identity::PersonId;
    use crate::record::Change;
    use crate::store::embedded::Embedded;
    use crate::store::embedded::counters::Counters;
    use crate::store::engine::{Changes, Memory};
    use crate::store::{Store, WriteUnit};

    fn open(memory: &Memory) -> Embedded {
        let memory = memory.clone();
        Embedded::open("memory", None, Box::new(move || Ok(Box::new(memory.clone())))).unwrap()
    }

    #[tokio::test]
    async fn a_store_that_kept_no_versions_by_time_is_indexed_when_it_is_opened() {
        let memory = Memory::default();
        let store = open(&memory);
        for version in 1..=3_u64 {
            let changes = ["Organization", "Location"].map(|kind| {
                let id = ResourceId::of(PersonId::SHARED, kind, "x");
                let resource = Resource::new(kind).with("name", json!(format!("{version}")));
                let updated = Timestamp::from_second(i64::try_from(version).unwrap()).unwrap();
                Change {
                    stored: Stored { id, version, updated, resource, state: Default::default() },
                    replaces: version - 1,
                }
            });
            store.commit(WriteUnit { changes: changes.into(), ..WriteUnit::default() }).await.unwrap();
        }
        let past = Past { types: vec!["Organization".into(), "Location".into()], ..Past::default() };
        let told = async |store: &Embedded| {
            let page = store.history(&past, None, 10).await.unwrap();
            let each =
                page.items.iter().map(|one| (one.stored.resource.resource_type().to_string(), one.stored.version));
            (each.collect::<Vec<_>>(), page.next)
        };
        let before = told(&store).await;
        assert_eq!((before.0.len(), &before.1), (6, &None));
        drop(store);
        let counters = memory.view().unwrap().get(&Counters::key()).unwrap().unwrap();
        let known = memory.view().unwrap().scan(&Span::prefix(vec![WRITTEN]), 9).unwrap();
        let mut changes: Changes = known.into_iter().skip(2).map(|(key, _)| (key, None)).collect();
        changes.insert(Counters::key(), Some(counters[..counters.len() - 24].to_vec()));
        memory.write(changes).unwrap();
        assert_eq!(told(&open(&memory)).await, before);
    }
}
