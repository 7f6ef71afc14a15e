//! Audit entries: those of one commit in one value, found by time and by person.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::draft::Draft;
use super::keys::{AUDIT, AUDIT_PERSON, Key};
use super::pack::{damaged, pack_json, unpack_json};
use super::walk::{cursor_of, key_of, present};
use crate::identity::PersonId;
use crate::store::engine::{Span, View};
use crate::store::{AuditEntry, Cursor, Page, StoreError};

pub fn put(draft: &mut Draft<'_>, entries: &[AuditEntry], sequence: u64) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    draft.put(Key::new(AUDIT).number(sequence).done(), pack_json(&entries)?);
    for person in entries.iter().filter_map(|entry| entry.person).collect::<BTreeSet<_>>() {
        draft.put(Key::new(AUDIT_PERSON).person(person).number(sequence).done(), Vec::new());
    }
    Ok(())
}

/// Whether all entries of one commit were made before a time.
pub fn all_before(packed: &[u8], before: Timestamp) -> Result<bool, StoreError> {
    let entries: Vec<AuditEntry> = unpack_json(packed)?;
    Ok(entries.iter().all(|entry| entry.at < before))
}

/// Takes the entries of one commit away, and returns how many they were.
pub fn remove(draft: &mut Draft<'_>, sequence: u64) -> Result<u64, StoreError> {
    let key = Key::new(AUDIT).number(sequence).done();
    let Some(packed) = draft.get(&key)? else { return Ok(0) };
    let entries: Vec<AuditEntry> = unpack_json(&packed)?;
    draft.delete(key);
    for person in entries.iter().filter_map(|entry| entry.person).collect::<BTreeSet<_>>() {
        draft.delete(Key::new(AUDIT_PERSON).person(person).number(sequence).done());
    }
    Ok(entries.len() as u64)
}

/// The cursor is the key of a commit and how many of its entries were given.
pub fn list(
    view: &dyn View,
    person: Option<PersonId>,
    cursor: Option<&Cursor>,
    count: usize,
) -> Result<Page<AuditEntry>, StoreError> {
    let count = count.clamp(1, 1000);
    let whole = match person {
        Some(person) => Span::prefix(Key::new(AUDIT_PERSON).person(person).done()),
        None => Span::prefix(vec![AUDIT]),
    };
    let (mut span, mut begun) = (whole.clone().backwards(), None);
    if let Some(cursor) = cursor {
        let (rest, key, place) = resume(&whole, cursor)?;
        (span, begun) = (rest, Some((key, place)));
    }
    let mut items = Vec::new();
    let commits = view.scan(&span, count + 1)?;
    for (key, value) in commits {
        let sequence = key.last_chunk::<8>().ok_or_else(|| damaged("an audit key"))?;
        let value = match person {
            Some(_) => present(view.get(&Key::new(AUDIT).bytes(sequence).done())?, "an audit entry")?,
            None => value,
        };
        let mut entries: Vec<AuditEntry> = unpack_json(&value)?;
        entries.reverse();
        entries.retain(|entry| person.is_none() || entry.person == person);
        // The commit that the last page broke off in may have been pruned since.
        let skip = begun.take().filter(|(at, _)| *at == key).map_or(0, |(_, place)| place);
        for (place, entry) in entries.into_iter().enumerate().skip(skip) {
            if items.len() == count {
                let place = u16::try_from(place).unwrap_or(u16::MAX);
                return Ok(Page { items, next: Some(cursor_of(&[&key[..], &place.to_be_bytes()].concat())) });
            }
            items.push(entry);
        }
    }
    Ok(Page { items, next: None })
}

fn resume(whole: &Span, cursor: &Cursor) -> Result<(Span, Vec<u8>, usize), StoreError> {
    let bytes = key_of(cursor)?;
    let (key, place) = bytes
        .split_last_chunk::<2>()
        .filter(|(key, _)| **key >= whole.from[..] && **key < whole.until[..])
        .ok_or_else(|| StoreError::Refused("this is no cursor of this listing".to_string()))?;
    let mut until = key.to_vec();
    until.push(0);
    let place = usize::from(u16::from_be_bytes(*place));
    Ok((Span::between(whole.from.clone(), until).backwards(), key.to_vec(), place))
}
