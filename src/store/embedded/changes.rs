//! A unit becomes changes to keys: preconditions first, then everything it writes with the index keys that follow.

use super::draft::Draft;
use super::keys::{
    BY_IDENTIFIER, BY_TYPE, HEAD, Key, OBSERVED, PERSON, TIMER, hash_identifier, history_key, resource_key,
};
use super::pack::{Terms, pack_json, pack_stored, unpack_json, unpack_stored};
use super::{audit, history, looks, messages, outbox, people, unused, values, worklist};
use crate::identity::{PersonId, ResourceId};
use crate::record::{Change, Head};
use crate::store::engine::View;
use crate::store::kinds::kind;
use crate::store::{HeadWrite, StoreError, WorkPlace, WriteUnit};

/// Puts the whole unit into the draft, or fails and leaves the draft to be thrown away. Returns its sequence number.
pub fn apply_unit(draft: &mut Draft<'_>, unit: WriteUnit, terms: &[Vec<u64>]) -> Result<u64, StoreError> {
    let sequence = draft.next_sequence();
    let mut message = None;
    if let Some(entry) = unit.message {
        let notices = messages::put(draft, entry, sequence)?;
        unused::put(draft, notices, Some(sequence))?;
        message = Some(sequence);
    }
    for write in &unit.heads {
        put_head(draft, write)?;
    }
    for (change, terms) in unit.changes.iter().zip(terms) {
        put_change(draft, change, sequence)?;
        values::put(draft, kind(change.stored.resource.resource_type())?, change.stored.id, terms)?;
    }
    for (identifier, person) in &unit.identifiers {
        draft.put(Key::new(PERSON).bytes(&hash_identifier(identifier)).done(), person.0.to_vec());
    }
    for (ordinal, mut new) in unit.deliveries.into_iter().enumerate() {
        new.message = message.or(new.message);
        outbox::add(draft, new, sequence, ordinal)?;
    }
    audit::put(draft, &unit.audit, sequence)?;
    unused::put(draft, unit.unused, message)?;
    unit.answers.into_iter().try_for_each(|answer| unused::answer(draft, answer))?;
    Ok(sequence)
}

pub fn head_key(person: PersonId) -> Vec<u8> {
    Key::new(HEAD).person(person).done()
}

pub fn read_head(view: &dyn View, person: PersonId) -> Result<Option<Head>, StoreError> {
    view.get(&head_key(person))?.map(|value| unpack_json(&value)).transpose()
}

fn put_head(draft: &mut Draft<'_>, write: &HeadWrite) -> Result<(), StoreError> {
    let person = write.head.person;
    let before = read_head(draft, person)?;
    if before.as_ref().map_or(0, |head| head.revision) != write.replaces {
        return Err(StoreError::Conflict);
    }
    if write.head.revision <= write.replaces {
        return Err(StoreError::Refused("a head must be written with a higher revision".to_string()));
    }
    if before.is_none() {
        draft.counters.records += 1;
    }
    replace_head(draft, before.as_ref(), &write.head)
}

/// Writes a head and moves its timer.
pub fn replace_head(draft: &mut Draft<'_>, before: Option<&Head>, head: &Head) -> Result<(), StoreError> {
    let timer = |at| Key::new(TIMER).time(at).person(head.person).done();
    let old = before.and_then(|before| before.wake_at);
    if old != head.wake_at {
        if let Some(at) = old {
            draft.delete(timer(at));
        }
        if let Some(at) = head.wake_at {
            draft.put(timer(at), Vec::new());
        }
    }
    draft.put(head_key(head.person), pack_json(head)?);
    Ok(())
}

fn put_change(draft: &mut Draft<'_>, change: &Change, sequence: u64) -> Result<(), StoreError> {
    let (id, stored) = (change.stored.id, &change.stored);
    let kind = kind(stored.resource.resource_type())?;
    let key = resource_key(kind, id);
    let before = draft.get(&key)?;
    let old = before.as_deref().map(Terms::of_packed).transpose()?;
    if old.as_ref().map_or(0, |old| old.version) != change.replaces {
        return Err(StoreError::Conflict);
    }
    if stored.version < change.replaces || stored.version == 0 {
        return Err(StoreError::Refused("a resource must be written with a higher version".to_string()));
    }
    if stored.resource.resource_type() == "Task" {
        let before = before.as_deref().map(|value| unpack_stored(id, value)).transpose()?;
        let place = before.as_ref().and_then(WorkPlace::of);
        worklist::moved(draft, id, place.as_ref(), WorkPlace::of(stored).as_ref())?;
    }
    if stored.resource.resource_type() == "Patient" {
        let before = before.as_deref().map(|value| unpack_stored(id, value)).transpose()?;
        people::moved(draft, before.as_ref(), stored);
    }
    looks::moved(draft, kind, stored, before.is_none())?;
    let mut terms = Terms::of(stored, sequence);
    if let (Some(value), Some(old)) = (before, &old) {
        if change.is_visible() {
            draft.put(history_key(kind, id, old.version), value);
        } else {
            // Nothing changed that a listing by time of change should show.
            terms.sequence = old.sequence;
        }
    }
    history::moved(draft, (kind, id), old.as_ref(), &terms);
    let new_keys = index_keys(kind, id, &terms);
    for stale in old.iter().flat_map(|old| index_keys(kind, id, old)) {
        if !new_keys.contains(&stale) {
            draft.delete(stale);
        }
    }
    for key in new_keys {
        draft.put(key, Vec::new());
    }
    draft.put(key, pack_stored(stored, &terms)?);
    Ok(())
}

fn index_keys(kind: u8, id: ResourceId, terms: &Terms) -> Vec<Vec<u8>> {
    let mut keys = vec![Key::new(BY_TYPE).byte(kind).newest(terms.sequence).id(id).done()];
    keys.extend(terms.observed.map(|at| Key::new(OBSERVED).person(id.person).newest_time(at).bytes(&id.local).done()));
    keys.extend(terms.identifiers.iter().map(|term| Key::new(BY_IDENTIFIER).byte(kind).bytes(term).id(id).done()));
    keys
}
