//! Panels: who is responsible for whom, replaced as a whole, found by any identifier.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::changes::{read_head, replace_head};
use super::draft::Draft;
use super::keys::{Key, MEMBER, MEMBER_OF, hash_identifier};
use super::pack::{pack_json, unpack_json};
use super::record::person_of;
use super::walk::{all, walk};
use crate::fhir::Identifier;
use crate::identity::PersonId;
use crate::record::Membership;
use crate::store::engine::{Span, View};
use crate::store::{Cursor, Page, StoreError};

fn panel_span(panel: &str) -> Span {
    Span::prefix(Key::new(MEMBER).bytes(panel.as_bytes()).byte(0).done())
}

fn member_key(panel: &str, first: &Identifier) -> Vec<u8> {
    let key = Key::new(MEMBER).bytes(panel.as_bytes()).byte(0);
    key.bytes(first.system.as_bytes()).byte(0).bytes(first.value.as_bytes()).done()
}

fn member_of_key(identifier: &Identifier, member: &[u8]) -> Vec<u8> {
    // The first half of the member key's own hash tells members apart that share an identifier.
    let member = super::keys::hash(&[&super::walk::cursor_of(member).0]);
    Key::new(MEMBER_OF).bytes(&hash_identifier(identifier)).bytes(&member).done()
}

/// Returns how many known patients joined, left or changed; each of them is made due now.
pub fn replace(
    draft: &mut Draft<'_>,
    panel: &str,
    members: Vec<Membership>,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let mut new = BTreeMap::new();
    for mut member in members {
        member.panel = panel.to_string();
        let Some(first) = member.identifiers.first() else {
            return Err(StoreError::Refused("a member of a panel has no identifier".to_string()));
        };
        new.insert(member_key(panel, first), member);
    }
    let mut affected = BTreeSet::new();
    let mut unchanged = BTreeSet::new();
    for (key, value) in all(draft, &panel_span(panel))? {
        let old: Membership = unpack_json(&value)?;
        if new.get(&key) == Some(&old) {
            unchanged.insert(key);
            continue;
        }
        for identifier in &old.identifiers {
            draft.delete(member_of_key(identifier, &key));
        }
        affected.extend(old.identifiers);
        draft.delete(key);
    }
    for (key, member) in new.into_iter().filter(|(key, _)| !unchanged.contains(key)) {
        for identifier in &member.identifiers {
            draft.put(member_of_key(identifier, &key), key.clone());
        }
        draft.put(key, pack_json(&member)?);
        affected.extend(member.identifiers);
    }
    let mut persons = BTreeSet::new();
    for identifier in &affected {
        persons.extend(person_of(draft, identifier)?);
    }
    for person in &persons {
        wake(draft, *person, now)?;
    }
    Ok(persons.len())
}

/// Raising the revision makes a decision that is being made on the old panel conflict, and be made again.
fn wake(draft: &mut Draft<'_>, person: PersonId, now: Timestamp) -> Result<(), StoreError> {
    let Some(before) = read_head(draft, person)? else { return Ok(()) };
    let mut head = before.clone();
    head.revision += 1;
    head.wake_at = Some(head.wake_at.map_or(now, |at| at.min(now)));
    replace_head(draft, Some(&before), &head)
}

pub fn memberships(view: &dyn View, identifiers: &[Identifier]) -> Result<Vec<Membership>, StoreError> {
    let mut found = BTreeMap::new();
    for identifier in identifiers {
        let span = Span::prefix(Key::new(MEMBER_OF).bytes(&hash_identifier(identifier)).done());
        for (_, key) in view.scan(&span, 1000)? {
            if let Some(value) = view.get(&key)? {
                let member: Membership = unpack_json(&value)?;
                if member.identifiers.contains(identifier) {
                    found.insert(key, member);
                }
            }
        }
    }
    Ok(found.into_values().collect())
}

pub fn list(
    view: &dyn View,
    panel: &str,
    cursor: Option<&Cursor>,
    count: usize,
) -> Result<Page<Membership>, StoreError> {
    walk(view, &[panel_span(panel)], cursor, count, |_, value| unpack_json(value).map(Some))
}
