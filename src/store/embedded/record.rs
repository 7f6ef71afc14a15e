//! Reading a patient's record and what leads to it.

use super::changes::read_head;
use super::keys::{Key, OBSERVED, PERSON, RESOURCE, Reader, hash_identifier, history_key, resource_key};
use super::pack::{Terms, damaged, unpack_pair, unpack_stored};
use super::walk::{all, present};
use crate::fhir::Identifier;
use crate::identity::{PersonId, ResourceId};
use crate::record::{Record, Stored};
use crate::store::StoreError;
use crate::store::engine::{Span, View};
use crate::store::kinds::{BINARY, OBSERVATION, kind};

/// Longer chains of merges are damage, or a circle.
const MERGES: usize = 64;

/// The record that a person's belongs to now.
pub fn survivor(view: &dyn View, person: PersonId) -> Result<PersonId, StoreError> {
    let mut at = person;
    for _ in 0..MERGES {
        match read_head(view, at)?.and_then(|head| head.merged_into) {
            Some(next) => at = next,
            None => return Ok(at),
        }
    }
    Err(damaged("a chain of merges"))
}

pub fn person_of(view: &dyn View, identifier: &Identifier) -> Result<Option<PersonId>, StoreError> {
    let Some(value) = view.get(&Key::new(PERSON).bytes(&hash_identifier(identifier)).done())? else { return Ok(None) };
    survivor(view, Reader(&value).person()?).map(Some)
}

pub fn load(
    view: &dyn View,
    person: PersonId,
    shared: &[(String, ResourceId)],
    observations: usize,
) -> Result<Record, StoreError> {
    let mut record = Record::new(person);
    if let Some(head) = read_head(view, person)? {
        record.head = head;
    }
    let persons: Vec<PersonId> = record.head.family().collect();
    let (binary, observation) = (kind(BINARY)?, kind(OBSERVATION)?);
    for person in &persons {
        let of = |kind: u8| Key::new(RESOURCE).person(*person).byte(kind).done();
        let whole = Span::prefix(Key::new(RESOURCE).person(*person).done());
        let spans = [
            Span::between(whole.from, of(binary)),
            Span::between(of(binary + 1), of(observation)),
            Span::between(of(observation + 1), whole.until),
        ];
        for span in spans {
            for pair in all(view, &span)? {
                record.resources.put(unpack_pair(&pair.0, &pair.1)?);
            }
        }
    }
    record.truncated = load_observations(view, &persons, observations, &mut record)?;
    for (resource_type, id) in shared {
        if let Some(stored) = current(view, resource_type, *id)? {
            record.resources.put(stored);
        }
    }
    Ok(record)
}

/// The newest of all the records together; true when there are more.
fn load_observations(
    view: &dyn View,
    persons: &[PersonId],
    limit: usize,
    record: &mut Record,
) -> Result<bool, StoreError> {
    let mut newest = Vec::new();
    for person in persons {
        let span = Span::prefix(Key::new(OBSERVED).person(*person).done());
        for (key, _) in view.scan(&span, limit.saturating_add(1))? {
            newest.push(observed_id(&key)?);
        }
    }
    newest.sort_unstable();
    let truncated = newest.len() > limit;
    for (_, id) in newest.into_iter().take(limit) {
        let value = view.get(&resource_key(kind(OBSERVATION)?, id))?;
        record.resources.put(unpack_stored(id, &present(value, "an observation")?)?);
    }
    Ok(truncated)
}

/// The inverted time and the id of a key of OBSERVED.
pub fn observed_id(key: &[u8]) -> Result<([u8; 12], ResourceId), StoreError> {
    let mut reader = Reader::of_key(key);
    let person = reader.person()?;
    let time = reader.take()?;
    Ok((time, ResourceId { person, local: reader.take()? }))
}

pub fn current(view: &dyn View, resource_type: &str, id: ResourceId) -> Result<Option<Stored>, StoreError> {
    let value = view.get(&resource_key(kind(resource_type)?, id))?;
    value.map(|value| unpack_stored(id, &value)).transpose()
}

pub fn several(view: &dyn View, keys: &[(String, ResourceId)]) -> Result<Vec<Stored>, StoreError> {
    keys.iter().map(|(resource_type, id)| current(view, resource_type, *id)).filter_map(Result::transpose).collect()
}

/// 0 of those that do not exist.
pub fn versions(view: &dyn View, keys: &[(String, ResourceId)]) -> Result<Vec<u64>, StoreError> {
    let version = |(resource_type, id): &(String, ResourceId)| {
        let value = view.get(&resource_key(kind(resource_type)?, *id))?;
        value.map_or(Ok(0), |value| Terms::of_packed(&value).map(|terms| terms.version))
    };
    keys.iter().map(version).collect()
}

pub fn version(
    view: &dyn View,
    resource_type: &str,
    id: ResourceId,
    version: u64,
) -> Result<Option<Stored>, StoreError> {
    let value = view.get(&history_key(kind(resource_type)?, id, version))?;
    if let Some(value) = value {
        return unpack_stored(id, &value).map(Some);
    }
    Ok(current(view, resource_type, id)?.filter(|stored| stored.version == version))
}
