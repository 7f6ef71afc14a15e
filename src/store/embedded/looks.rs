//! The index of what waits for a person's look, in the order of ids, so that what is of one patient stands together; and how much.

use super::draft::Draft;
use super::keys::{Key, Reader, TO_LOOK_AT, TO_LOOK_AT_COUNT, resource_key};
use super::pack::unpack_stored;
use super::rebuild::rebuild;
use super::walk::{present, walk};
use crate::identity::ResourceId;
use crate::record::Stored;
use crate::store::engine::{Engine, Span, View};
use crate::store::looks::waits_for_look;
use crate::store::{Cursor, StoreError, ToLookAt};

fn place_key(kind: u8, id: ResourceId) -> Vec<u8> {
    Key::new(TO_LOOK_AT).id(id).byte(kind).done()
}

fn count_key() -> Vec<u8> {
    Key::new(TO_LOOK_AT_COUNT).done()
}

/// Puts a thing into the index, or takes it away. What is new and does not wait costs nothing.
pub fn moved(draft: &mut Draft<'_>, kind: u8, stored: &Stored, is_new: bool) -> Result<(), StoreError> {
    let waits = waits_for_look(stored);
    if is_new && !waits {
        return Ok(());
    }
    let key = place_key(kind, stored.id);
    if draft.get(&key)?.is_some() == waits {
        return Ok(());
    }
    let total = total(draft)?;
    let total = if waits { total.saturating_add(1) } else { total.saturating_sub(1) };
    match waits {
        true => draft.put(key, Vec::new()),
        false => draft.delete(key),
    }
    draft.put(count_key(), total.to_be_bytes().to_vec());
    Ok(())
}

fn total(view: &dyn View) -> Result<u64, StoreError> {
    Ok(view.get(&count_key())?.map(|value| Reader(&value).number()).transpose()?.unwrap_or_default())
}

pub fn page(view: &dyn View, cursor: Option<&Cursor>, count: usize) -> Result<ToLookAt, StoreError> {
    let page = walk(view, &[Span::prefix(vec![TO_LOOK_AT])], cursor, count, |key, _| {
        let mut reader = Reader::of_key(key);
        let (id, kind) = (reader.id()?, reader.byte()?);
        unpack_stored(id, &present(view.get(&resource_key(kind, id))?, "what waits for a look")?).map(Some)
    })?;
    Ok(ToLookAt { page, total: total(view)? })
}

/// Builds the index of a store that a program wrote which did not keep one; such a program kept back diagnoses and nothing else.
/// What is there of an index is taken away first.
pub fn build(engine: &dyn Engine) -> Result<(), StoreError> {
    rebuild(engine, &[TO_LOOK_AT, TO_LOOK_AT_COUNT], "Condition", &|draft, kind, stored| {
        moved(draft, kind, stored, true)
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::fhir::{OWN_LABELS, Resource};
    use crate::identity::PersonId;
    use crate::record::Change;
    use crate::store::embedded::Embedded;
    use crate::store::embedded::counters::Counters;
    use crate::store::engine::Changes;
    use crate::store::engine::Memory;
    use crate::store::{Store, WriteUnit};

    fn open(memory: &Memory) -> Embedded {
        let memory = memory.clone();
        Embedded::open("memory", None, Box::new(move || Ok(Box::new(memory.clone())))).unwrap()
    }

    fn condition(number: u32) -> Change {
        let id = ResourceId::of(PersonId::SHARED, "Condition", &number.to_string());
        let code = if number.is_multiple_of(5) { "said-by-sender" } else { "not-looked-at" };
        let security = json!([{ "system": OWN_LABELS, "code": code }]);
        let resource = Resource::new("Condition").with("meta", json!({ "security": security }));
        let stored = Stored { id, version: 1, updated: Timestamp::UNIX_EPOCH, resource, state: Default::default() };
        Change { stored, replaces: 0 }
    }

    #[tokio::test]
    async fn a_store_that_another_program_wrote_without_the_index_gets_it_when_it_is_opened() {
        let memory = Memory::default();
        let store = open(&memory);
        let changes = (0..2_500).map(condition).collect();
        store.commit(WriteUnit { changes, ..WriteUnit::default() }).await.unwrap();
        let before = store.to_look_at(None, 9).await.unwrap();
        assert_eq!((before.total, before.page.items.len()), (2_000, 9));
        drop(store);
        // What a program of before leaves: a stale index, and counters without the last numbers.
        let counters = memory.view().unwrap().get(&Counters::key()).unwrap().unwrap();
        let known = memory.view().unwrap().scan(&Span::prefix(vec![TO_LOOK_AT]), 900).unwrap();
        let mut changes: Changes = known.into_iter().map(|(key, _)| (key, None)).collect();
        changes.insert(Key::new(TO_LOOK_AT).bytes(&[0; 33]).done(), Some(Vec::new()));
        changes.insert(Counters::key(), Some(counters[..counters.len() - 64].to_vec()));
        memory.write(changes).unwrap();
        assert_eq!(open(&memory).to_look_at(None, 9).await.unwrap(), before);
    }
}
