//! The index by value: each resource stands under the terms that its search parameters give it (`store/query/index.rs`), so that a
//! search that names no patient reads candidates and not the type.

use std::collections::BTreeSet;

use super::draft::Draft;
use super::keys::{BY_VALUE, Key, Reader, VALUES};
use super::rebuild::rebuild;
use super::walk::STEPS;
use crate::fhir::search::SERVED;
use crate::identity::ResourceId;
use crate::store::engine::{Engine, Span, View};
use crate::store::query::index_terms;
use crate::store::{StoreError, WriteUnit};

/// The terms of each change, told before the unit waits for the one writer.
pub fn terms_of(unit: &WriteUnit) -> Vec<Vec<u64>> {
    unit.changes.iter().map(|change| index_terms(&change.stored.resource, change.stored.id)).collect()
}

/// Puts a resource under its terms and takes it from those that it has no more. Costs what it holds.
pub fn put(draft: &mut Draft<'_>, kind: u8, id: ResourceId, terms: &[u64]) -> Result<(), StoreError> {
    put_under(draft, Key::new(VALUES).byte(kind).id(id).done(), &|term| key(kind, term, id), terms)
}

/// `own` is where the terms of the resource stand, `key` where it stands under one.
pub fn put_under(
    draft: &mut Draft<'_>,
    own: Vec<u8>,
    key: &dyn Fn(u64) -> Vec<u8>,
    terms: &[u64],
) -> Result<(), StoreError> {
    let before = match draft.get(&own)? {
        Some(value) => read(&value)?,
        None => Vec::new(),
    };
    if before == terms {
        return Ok(());
    }
    for stale in before.iter().filter(|term| terms.binary_search(term).is_err()) {
        draft.delete(key(*stale));
    }
    for new in terms.iter().filter(|term| before.binary_search(term).is_err()) {
        draft.put(key(*new), Vec::new());
    }
    if terms.is_empty() {
        draft.delete(own);
    } else {
        draft.put(own, terms.iter().flat_map(|term| term.to_be_bytes()).collect());
    }
    Ok(())
}

fn key(kind: u8, term: u64, id: ResourceId) -> Vec<u8> {
    Key::new(BY_VALUE).byte(kind).number(term).id(id).done()
}

fn read(value: &[u8]) -> Result<Vec<u64>, StoreError> {
    let mut reader = Reader(value);
    let mut terms = Vec::with_capacity(value.len() / 8);
    while !reader.0.is_empty() {
        terms.push(reader.number()?);
    }
    Ok(terms)
}

/// The resources that stand under one of these terms. None where there are so many that reading on by type is as good.
pub fn found(view: &dyn View, kind: u8, terms: &[u64]) -> Result<Option<BTreeSet<ResourceId>>, StoreError> {
    found_under(view, &|term| Key::new(BY_VALUE).byte(kind).number(term).done(), terms)
}

/// The same of what stands under each term's prefix.
pub fn found_under(
    view: &dyn View,
    prefix: &dyn Fn(u64) -> Vec<u8>,
    terms: &[u64],
) -> Result<Option<BTreeSet<ResourceId>>, StoreError> {
    let mut ids = BTreeSet::new();
    for term in terms {
        let prefix = prefix(*term);
        let pairs = view.scan(&Span::prefix(prefix.clone()), STEPS)?;
        if pairs.len() == STEPS {
            return Ok(None);
        }
        for (key, _) in pairs {
            ids.insert(Reader(key.get(prefix.len()..).unwrap_or_default()).id()?);
        }
        if ids.len() >= STEPS {
            return Ok(None);
        }
    }
    Ok(Some(ids))
}

/// Indexes all there is, type by type, and says how far it is.
pub fn build(engine: &dyn Engine) -> Result<(), StoreError> {
    for (number, kind) in SERVED.iter().enumerate() {
        let spaces: &[u8] = if number == 0 { &[BY_VALUE, VALUES] } else { &[] };
        let count = std::cell::Cell::new(0_u64);
        rebuild(engine, spaces, kind, &|draft, kind, stored| {
            count.set(count.get() + 1);
            put(draft, kind, stored.id, &index_terms(&stored.resource, stored.id))
        })?;
        if count.get() > 0 {
            let (done, all) = (number + 1, SERVED.len());
            tracing::info!(kind, resources = count.get(), "indexed for searching, type {done} of {all}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::fhir::Resource;
    use crate::fhir::search::{Asked, Criterion, How, SearchTable};
    use crate::identity::PersonId;
    use crate::record::{Change, Stored};
    use crate::store::embedded::Embedded;
    use crate::store::embedded::counters::Counters;
    use crate::store::engine::{Changes, Memory};
    use crate::store::{Query, Store, Term};

    fn open(memory: &Memory) -> Embedded {
        let memory = memory.clone();
        Embedded::open("memory", None, Box::new(move || Ok(Box::new(memory.clone())))).unwrap()
    }

    fn organization(number: u32) -> Change {
        let id = ResourceId::of(PersonId::SHARED, "Organization", &number.to_string());
        let name = if number == 1_234 { "Lakeside Practice" } else { "Other" };
        let resource = Resource::new("Organization").with("name", json!(name));
        let stored = Stored { id, version: 1, updated: Timestamp::UNIX_EPOCH, resource, state: Default::default() };
        Change { stored, replaces: 0 }
    }

    async fn found(store: &Embedded) -> (usize, usize) {
        let name = SearchTable::built_in().find("Organization", "name").unwrap();
        let asked = Asked::Text { text: "practice".to_string(), how: How::Begins };
        let terms = vec![Term::Of(Criterion::any(name, vec![asked]))];
        let query = Query { resource_type: "Organization".to_string(), terms };
        let found = store.find(&query, &[], None, 10).await.unwrap();
        (found.items.len(), found.looked)
    }

    #[tokio::test]
    async fn a_store_that_knew_other_search_parameters_is_indexed_anew_when_it_is_opened() {
        let memory = Memory::default();
        let store = open(&memory);
        let changes = (0..2_500).map(organization).collect();
        store.commit(WriteUnit { changes, ..WriteUnit::default() }).await.unwrap();
        assert_eq!(found(&store).await, (1, 1));
        drop(store);
        // What a program of before leaves: an index that lacks what it wrote and has what is gone, and a number that is not ours.
        let counters = memory.view().unwrap().get(&Counters::key()).unwrap().unwrap();
        let mut changes = Changes::new();
        for space in [BY_VALUE, VALUES] {
            let known = memory.view().unwrap().scan(&Span::prefix(vec![space]), 9_000).unwrap();
            changes.extend(known.into_iter().map(|(key, _)| (key, None)));
        }
        changes.insert(key(0, 7, ResourceId::FIRST), Some(Vec::new()));
        changes.insert(Counters::key(), Some(counters[..counters.len() - 32].to_vec()));
        memory.write(changes).unwrap();
        assert_eq!(found(&open(&memory)).await, (1, 1));
        let stale = memory.view().unwrap().get(&key(0, 7, ResourceId::FIRST)).unwrap();
        assert_eq!(stale, None);
    }
}
