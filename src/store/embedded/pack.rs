//! Values as they are stored: JSON behind a small binary head that can be read without it, compressed where it pays.

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::keys::{Hash, Reader, identifier_term, time_bytes, time_of};
use super::lineage::{pack_trace, unpack_trace};
use crate::fhir::{Resource, observed_at};
use crate::identity::ResourceId;
use crate::record::{State, Stored};
use crate::store::kinds::OBSERVATION;
use crate::store::{MessageEntry, MessageSummary, StoreError};

/// Smaller values are not worth compressing; larger than this no value of ours can be.
const COMPRESS_FROM_BYTES: usize = 200;
const LARGEST_BYTES: usize = 256 * 1024 * 1024;

const PLAIN: u8 = 0;
const LZ4: u8 = 1;

pub fn damaged(what: &str) -> StoreError {
    StoreError::Damaged(format!("{what} does not read back"))
}

/// Appends bytes, compressed if that makes them smaller.
pub fn squeeze(raw: &[u8], to: &mut Vec<u8>) {
    if raw.len() >= COMPRESS_FROM_BYTES {
        let small = lz4_flex::block::compress(raw);
        if small.len() + small.len() / 16 < raw.len() {
            to.push(LZ4);
            to.extend_from_slice(&(raw.len() as u32).to_be_bytes());
            to.extend_from_slice(&small);
            return;
        }
    }
    to.push(PLAIN);
    to.extend_from_slice(raw);
}

pub fn unsqueeze(bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    let mut reader = Reader(bytes);
    match reader.byte()? {
        PLAIN => Ok(reader.0.to_vec()),
        LZ4 => {
            let length = u32::from_be_bytes(reader.take()?) as usize;
            if length > LARGEST_BYTES {
                return Err(damaged("a compressed value"));
            }
            lz4_flex::block::decompress(reader.0, length).map_err(|_| damaged("a compressed value"))
        }
        _ => Err(damaged("a value's form")),
    }
}

pub fn json<T: Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(|error| StoreError::Refused(format!("not to be written as JSON: {error}")))
}

pub fn pack_json<T: Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    let mut packed = Vec::new();
    squeeze(&json(value)?, &mut packed);
    Ok(packed)
}

pub fn unpack_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(&unsqueeze(bytes)?).map_err(|_| damaged("an entry"))
}

/// What a stored resource is found by, so that an update can take back its old index keys without reading the JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    pub sequence: u64,
    pub version: u64,
    pub updated: Timestamp,
    /// For Observations.
    pub observed: Option<[u8; 12]>,
    pub identifiers: Vec<Hash>,
}

impl Terms {
    pub fn of(stored: &Stored, sequence: u64) -> Self {
        let observation = stored.resource.resource_type() == OBSERVATION;
        let observed = observation.then(|| time_bytes(observed_at(&stored.resource).unwrap_or(stored.updated)));
        let mut identifiers: Vec<Hash> = identifier_terms(&stored.resource);
        identifiers.sort_unstable();
        identifiers.dedup();
        identifiers.truncate(usize::from(u8::MAX));
        Self { sequence, version: stored.version, updated: stored.updated, observed, identifiers }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, StoreError> {
        let (sequence, version, updated) = (reader.number()?, reader.number()?, time_of(reader.take()?)?);
        let observed = if reader.byte()? == 1 { Some(reader.take()?) } else { None };
        let count = reader.byte()?;
        let identifiers = (0..count).map(|_| reader.take()).collect::<Result<_, _>>()?;
        Ok(Self { sequence, version, updated, observed, identifiers })
    }

    pub fn of_packed(bytes: &[u8]) -> Result<Self, StoreError> {
        Self::read(&mut Reader(bytes))
    }
}

/// Identifiers without a system are found as well, by system "".
fn identifier_terms(resource: &Resource) -> Vec<Hash> {
    let items: &[Value] = match resource.get("identifier") {
        Some(Value::Array(items)) => items,
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    let text = |item: &Value, name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default().to_string();
    let pairs = items.iter().map(|item| (text(item, "system"), text(item, "value")));
    pairs.filter(|(_, value)| !value.is_empty()).map(|(system, value)| identifier_term(&system, &value)).collect()
}

pub fn pack_stored(stored: &Stored, terms: &Terms) -> Result<Vec<u8>, StoreError> {
    let mut packed = Vec::with_capacity(512);
    packed.extend_from_slice(&terms.sequence.to_be_bytes());
    packed.extend_from_slice(&terms.version.to_be_bytes());
    packed.extend_from_slice(&time_bytes(terms.updated));
    packed.push(u8::from(terms.observed.is_some()));
    packed.extend_from_slice(terms.observed.as_ref().map_or(&[][..], |time| time));
    packed.push(terms.identifiers.len() as u8);
    packed.extend(terms.identifiers.iter().flatten());
    squeeze(&json(&(stored.resource.as_map(), &stored.state))?, &mut packed);
    Ok(packed)
}

pub fn unpack_stored(id: ResourceId, bytes: &[u8]) -> Result<Stored, StoreError> {
    let mut reader = Reader(bytes);
    let terms = Terms::read(&mut reader)?;
    let (map, state): (Map<String, Value>, State) = unpack_json(reader.0)?;
    let resource = Resource::try_from(Value::Object(map)).map_err(|_| damaged("a resource"))?;
    Ok(Stored { id, version: terms.version, updated: terms.updated, resource, state })
}

/// A pair of the keyspace RESOURCE.
pub fn unpack_pair(key: &[u8], value: &[u8]) -> Result<Stored, StoreError> {
    let mut reader = Reader::of_key(key);
    let person = reader.person()?;
    reader.byte()?;
    unpack_stored(ResourceId { person, local: reader.take()? }, value)
}

/// The summary stays in front and uncompressed, so that a listing reads nothing else.
pub fn pack_message(entry: &mut MessageEntry) -> Result<Vec<u8>, StoreError> {
    let summary = json(&entry.summary)?;
    let mut trace = Vec::with_capacity(8 * 1024);
    pack_trace(&mut entry.trace, &mut trace)?;
    let mut packed = Vec::with_capacity(summary.len() + entry.raw.len());
    packed.extend_from_slice(&(summary.len() as u32).to_be_bytes());
    packed.extend_from_slice(&summary);
    packed.extend_from_slice(&entry.content);
    let mut rest = Vec::with_capacity(trace.len() + entry.raw.len() + entry.answer.len() + 8);
    for part in [&trace, &entry.raw] {
        rest.extend_from_slice(&(part.len() as u32).to_be_bytes());
        rest.extend_from_slice(part);
    }
    rest.extend_from_slice(&entry.answer);
    squeeze(&rest, &mut packed);
    Ok(packed)
}

pub fn unpack_summary(bytes: &[u8]) -> Result<MessageSummary, StoreError> {
    Ok(summary_and_rest(bytes)?.0)
}

/// What a message is recognised by stands behind its summary.
pub fn unpack_summary_and_content(bytes: &[u8]) -> Result<(MessageSummary, [u8; 32]), StoreError> {
    let (summary, mut reader) = summary_and_rest(bytes)?;
    Ok((summary, reader.take()?))
}

fn summary_and_rest(bytes: &[u8]) -> Result<(MessageSummary, Reader<'_>), StoreError> {
    let mut reader = Reader(bytes);
    let length = u32::from_be_bytes(reader.take()?) as usize;
    let summary = serde_json::from_slice(reader.slice(length)?).map_err(|_| damaged("a message's summary"))?;
    Ok((summary, reader))
}

pub fn unpack_message(bytes: &[u8]) -> Result<MessageEntry, StoreError> {
    let (summary, mut reader) = summary_and_rest(bytes)?;
    let content = reader.take()?;
    let rest = unsqueeze(reader.0)?;
    let mut reader = Reader(&rest);
    let length = u32::from_be_bytes(reader.take()?) as usize;
    let trace = unpack_trace(reader.slice(length)?)?;
    let length = u32::from_be_bytes(reader.take()?) as usize;
    let raw = reader.slice(length)?.to_vec();
    Ok(MessageEntry { summary, content, raw, answer: reader.0.to_vec(), trace })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::identity::PersonId;

    #[test]
    fn a_resource_reads_back_to_the_last_digit() {
        let text = r#"{"resourceType":"Observation","valueQuantity":{"value":152.50},"identifier":[{"value":"x"}]}"#;
        let resource: Resource = serde_json::from_str(text).unwrap();
        let id = ResourceId::of(PersonId::SHARED, "Observation", "1");
        let state = State { work: Some(json!({ "n": 1.50 })), ..State::default() };
        let stored = Stored { id, version: 3, updated: "2026-03-02T10:00:00.1Z".parse().unwrap(), resource, state };
        let terms = Terms::of(&stored, 9);
        let packed = pack_stored(&stored, &terms).unwrap();
        assert_eq!(unpack_stored(id, &packed).unwrap(), stored);
        assert_eq!(Terms::of_packed(&packed).unwrap(), terms);
        assert_eq!(serde_json::to_string(&stored.resource).unwrap(), text);
    }

    #[test]
    fn values_are_compressed_only_where_it_pays_and_damage_is_an_error() {
        let (mut long, mut short) = (Vec::new(), Vec::new());
        squeeze(&[7; 5000], &mut long);
        squeeze(b"short", &mut short);
        assert!(long.len() < 100 && short.len() == 6);
        assert_eq!(unsqueeze(&long).unwrap(), vec![7; 5000]);
        assert!(unsqueeze(&long[..20]).is_err());
        assert!(unsqueeze(&[9, 9]).is_err() && unsqueeze(&[]).is_err());
    }
}
