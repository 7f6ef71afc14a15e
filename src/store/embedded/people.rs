//! The index of the words by which people are found (`store::people`).

use super::draft::Draft;
use super::keys::{Key, PERSON_WORD};
use super::rebuild::rebuild;
use crate::identity::ResourceId;
use crate::record::Stored;
use crate::store::StoreError;
use crate::store::engine::Engine;
use crate::store::people::{sort_name, words_of};

/// Ends a word in a key.
pub const END: u8 = 0;

fn word_key(word: &str, id: ResourceId) -> Vec<u8> {
    Key::new(PERSON_WORD).bytes(word.as_bytes()).byte(END).id(id).done()
}

/// Puts a Patient where it is found, and takes it away from where it was.
pub fn moved(draft: &mut Draft<'_>, before: Option<&Stored>, after: &Stored) {
    let of = |stored: &Stored| (words_of(stored), sort_name(stored));
    let (old, old_name) = before.map(of).unwrap_or_default();
    let (new, name) = of(after);
    for stale in old.difference(&new) {
        draft.delete(word_key(stale, after.id));
    }
    for word in new.iter().filter(|word| old_name != name || !old.contains(*word)) {
        draft.put(word_key(word, after.id), name.as_bytes().to_vec());
    }
}

/// Builds the index of a store that a program wrote which did not keep one.
pub fn build(engine: &dyn Engine) -> Result<(), StoreError> {
    rebuild(engine, &[PERSON_WORD], "Patient", &|draft, _, stored| {
        moved(draft, None, stored);
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::fhir::{Identifier, Resource};
    use crate::identity::PersonId;
    use crate::record::Change;
    use crate::store::embedded::Embedded;
    use crate::store::embedded::counters::Counters;
    use crate::store::engine::{Changes, Memory, Span};
    use crate::store::{FindWord, PeopleQuery, Store, WriteUnit};

    fn open(memory: &Memory) -> Embedded {
        let memory = memory.clone();
        Embedded::open("memory", None, Box::new(move || Ok(Box::new(memory.clone())))).unwrap()
    }

    fn patient(number: usize) -> Change {
        let id = ResourceId::patient(PersonId::of(&Identifier::new("urn:s", number.to_string())));
        let name = json!([{ "family": format!("Family{number}"), "given": ["Ann"] }]);
        let resource = Resource::new("Patient").with("name", name);
        let stored = Stored { id, version: 1, updated: Timestamp::UNIX_EPOCH, resource, state: Default::default() };
        Change { stored, replaces: 0 }
    }

    #[tokio::test]
    async fn a_store_that_another_program_wrote_without_the_words_gets_them_when_it_is_opened() {
        let memory = Memory::default();
        let store = open(&memory);
        store.commit(WriteUnit { changes: (0..2_500).map(patient).collect(), ..WriteUnit::default() }).await.unwrap();
        let ann = PeopleQuery { parts: vec![vec![FindWord::name("ann")]] };
        let before = store.find_people(&ann, 2_490, 9).await.unwrap();
        assert_eq!((before.total, before.items.len()), (Some(2_500), 9));
        drop(store);
        let counters = memory.view().unwrap().get(&Counters::key()).unwrap().unwrap();
        let known = memory.view().unwrap().scan(&Span::prefix(vec![PERSON_WORD]), 900).unwrap();
        let mut changes: Changes = known.into_iter().map(|(key, _)| (key, None)).collect();
        changes.insert(Key::new(PERSON_WORD).bytes(b"nann\0stale").bytes(&[0; 20]).done(), Some(Vec::new()));
        changes.insert(Counters::key(), Some(counters[..counters.len() - 40].to_vec()));
        memory.write(changes).unwrap();
        assert_eq!(open(&memory).find_people(&ann, 2_490, 9).await.unwrap(), before);
    }
}
