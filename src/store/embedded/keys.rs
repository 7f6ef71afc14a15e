//! The key layout. Keys are short and binary: the number of the keyspace, then fixed-width parts in big-endian order, so
//! that the order of bytes is the order wanted. Numbers of keyspaces are never used twice.
//!
//! | keyspace | key | value |
//! | --- | --- | --- |
//! | META | name | format, counters |
//! | RESOURCE | person, type, local | current version, packed |
//! | HISTORY | person, type, local, version | past version, packed; written on update only |
//! | BY_TYPE | type, newest sequence, person, local | – |
//! | OBSERVED | person, newest time, local | –; Observations only |
//! | BY_IDENTIFIER | type, hash of value, hash of system, person, local | – |
//! | PERSON | hash of identifier | person |
//! | HEAD | person | head |
//! | TIMER | time, person | – |
//! | MESSAGE | sequence | entry, packed |
//! | INPUT | hash of feed and control id, content | sequence |
//! | DELIVERY | id | delivery, packed |
//! | LINE | hash of partner, person, number | id; unfinished only |
//! | LINE_HEAD | hash of partner, person | the line's first unfinished one; none where all is finished |
//! | DUE | time, id | the same, and what was delivered and is to be sent once more; what the queue in memory is filled from |
//! | CREATED | sequence, ordinal | delivery id |
//! | ASIDE | state, sequence, ordinal | delivery id; held and dead only |
//! | AUDIT | sequence | entries of one commit, packed |
//! | AUDIT_PERSON | person, sequence | – |
//! | MEMBER | panel, first identifier | membership |
//! | MEMBER_OF | hash of identifier, hash of member key | member key |
//! | ONCE | hash | expiry |
//! | ONCE_EXPIRY | time, hash | – |
//! | STATE | name | bytes |
//! | FINISHED | time, delivery id | –; what has no place in its line and is not to be sent again |
//! | UNUSED | hash of feed, cause | entry, packed |
//! | UNUSED_COUNT | hash of feed | how many causes it has |
//! | OPEN_WORK | hash of owner (zero: everybody's), urgency, due time, person, local | –; open Tasks only, twice each |
//! | OPEN_WORK_COUNT | hash of owner (zero: everybody's), urgency, due hour | how many |
//! | TO_LOOK_AT | person, local, kind | –; what waits for a person's look only |
//! | TO_LOOK_AT_COUNT | – | how many |
//! | COPY | hash of partner, hash of thing | what the partner holds of it, packed |
//! | PERSON_WORD | word, zero, person, local | name that the Patient is sorted by |
//! | UNSETTLED | hash of partner, hash of thing, sequence, ordinal | delivery id; waiting, held and dead only |
//! | BY_VALUE | type, term of a value, person, local | – |
//! | VALUES | type, person, local | the terms that BY_VALUE has of it |
//! | WRITTEN | type, newest time, person, local, newest version | –; each version, current and past |
//! | MESSAGE_CLASS | hash of feed, hash of class | how many, and the class |
//! | MESSAGE_COUNT | hash of class, hour | how many |
//! | MESSAGE_BY | hash of class, patient or control id, newest time, newest sequence | the kinds of what could not be used |
//! | GUIDED | parameter | resources looked at, and how far BY_TYPE was gone back through for its index; without that it goes |
//! | BY_GUIDED | parameter, term of a value, person, local | – |
//! | GUIDED_VALUES | parameter, person, local | the terms that BY_GUIDED has of it |
//! | BACKLOG | hash of partner | how many deliveries wait, and how many are held; none where there are none |
//! | IN_HAND | delivery | –; it was about to be sent with the head of its line, and nobody told what came of it |

use jiff::Timestamp;

use crate::fhir::Identifier;
use crate::identity::{PersonId, ResourceId};
use crate::store::StoreError;
pub use crate::store::hash::{Hash, hash};

pub const META: u8 = 1;
pub const RESOURCE: u8 = 2;
pub const HISTORY: u8 = 3;
pub const BY_TYPE: u8 = 4;
pub const OBSERVED: u8 = 5;
pub const BY_IDENTIFIER: u8 = 6;
pub const PERSON: u8 = 7;
pub const HEAD: u8 = 8;
pub const TIMER: u8 = 9;
pub const MESSAGE: u8 = 10;
pub const INPUT: u8 = 11;
pub const DELIVERY: u8 = 12;
pub const LINE: u8 = 13;
pub const DUE: u8 = 14;
pub const CREATED: u8 = 15;
pub const ASIDE: u8 = 16;
pub const AUDIT: u8 = 17;
pub const AUDIT_PERSON: u8 = 18;
pub const MEMBER: u8 = 19;
pub const MEMBER_OF: u8 = 20;
pub const ONCE: u8 = 21;
pub const ONCE_EXPIRY: u8 = 22;
pub const STATE: u8 = 23;
pub const FINISHED: u8 = 24;
pub const UNUSED: u8 = 25;
pub const UNUSED_COUNT: u8 = 26;
pub const OPEN_WORK: u8 = 27;
pub const OPEN_WORK_COUNT: u8 = 28;
pub const TO_LOOK_AT: u8 = 29;
pub const TO_LOOK_AT_COUNT: u8 = 30;
pub const LINE_HEAD: u8 = 31;
pub const COPY: u8 = 32;
pub const UNSETTLED: u8 = 33;
pub const PERSON_WORD: u8 = 34;
pub const BY_VALUE: u8 = 35;
pub const VALUES: u8 = 36;
pub const WRITTEN: u8 = 37;
pub const MESSAGE_CLASS: u8 = 38;
pub const MESSAGE_COUNT: u8 = 39;
pub const MESSAGE_BY: u8 = 40;
pub const IN_HAND: u8 = 41;
pub const GUIDED: u8 = 42;
pub const BY_GUIDED: u8 = 43;
pub const GUIDED_VALUES: u8 = 44;
pub const BACKLOG: u8 = 45;

/// A key under construction.
pub struct Key(Vec<u8>);

impl Key {
    pub fn new(space: u8) -> Self {
        let mut key = Vec::with_capacity(48);
        key.push(space);
        Self(key)
    }

    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub fn byte(self, byte: u8) -> Self {
        self.bytes(&[byte])
    }

    pub fn number(self, number: u64) -> Self {
        self.bytes(&number.to_be_bytes())
    }

    /// A number in falling order.
    pub fn newest(self, number: u64) -> Self {
        self.number(!number)
    }

    pub fn time(self, time: Timestamp) -> Self {
        self.bytes(&time_bytes(time))
    }

    /// A time in falling order.
    pub fn newest_time(self, time: [u8; 12]) -> Self {
        self.bytes(&time.map(|byte| !byte))
    }

    pub fn person(self, person: PersonId) -> Self {
        self.bytes(&person.0)
    }

    pub fn id(self, id: ResourceId) -> Self {
        self.bytes(&id.person.0).bytes(&id.local)
    }

    pub fn done(self) -> Vec<u8> {
        self.0
    }
}

/// The order of these bytes is the order of time.
pub fn time_bytes(time: Timestamp) -> [u8; 12] {
    const SECOND: i128 = 1_000_000_000;
    let nanos = time.as_nanosecond();
    let seconds = i64::try_from(nanos.div_euclid(SECOND)).unwrap_or_default();
    let rest = u32::try_from(nanos.rem_euclid(SECOND)).unwrap_or_default();
    let mut bytes = [0; 12];
    let parts = (seconds as u64 ^ (1 << 63)).to_be_bytes().into_iter().chain(rest.to_be_bytes());
    for (to, from) in bytes.iter_mut().zip(parts) {
        *to = from;
    }
    bytes
}

pub fn time_of(bytes: [u8; 12]) -> Result<Timestamp, StoreError> {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = bytes;
    let seconds = (u64::from_be_bytes([a, b, c, d, e, f, g, h]) ^ (1 << 63)) as i64;
    let nanos = i128::from(seconds) * 1_000_000_000 + i128::from(u32::from_be_bytes([i, j, k, l]));
    Timestamp::from_nanosecond(nanos).map_err(|_| StoreError::Damaged("a time out of range".to_string()))
}

pub fn hash_identifier(identifier: &Identifier) -> Hash {
    hash(&[&identifier.system, &identifier.value])
}

/// The terms by which a resource is found: half a hash of the value first, so that a search for any system is a prefix.
pub fn identifier_term(system: &str, value: &str) -> Hash {
    let mut term = [0; 16];
    let halves = hash(&[value]).into_iter().take(8).chain(hash(&[system]).into_iter().take(8));
    for (to, from) in term.iter_mut().zip(halves) {
        *to = from;
    }
    term
}

/// Takes a key or a value apart again.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// Goes past the number of the keyspace.
    pub fn of_key(key: &'a [u8]) -> Self {
        Self(key.get(1..).unwrap_or_default())
    }

    pub fn take<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let (head, rest) =
            self.0.split_first_chunk::<N>().ok_or_else(|| StoreError::Damaged("an entry is cut short".to_string()))?;
        self.0 = rest;
        Ok(*head)
    }

    pub fn slice(&mut self, length: usize) -> Result<&'a [u8], StoreError> {
        let (head, rest) =
            self.0.split_at_checked(length).ok_or_else(|| StoreError::Damaged("an entry is cut short".to_string()))?;
        self.0 = rest;
        Ok(head)
    }

    pub fn byte(&mut self) -> Result<u8, StoreError> {
        Ok(u8::from_be_bytes(self.take()?))
    }

    pub fn number(&mut self) -> Result<u64, StoreError> {
        Ok(u64::from_be_bytes(self.take()?))
    }

    pub fn person(&mut self) -> Result<PersonId, StoreError> {
        Ok(PersonId(self.take()?))
    }

    pub fn id(&mut self) -> Result<ResourceId, StoreError> {
        Ok(ResourceId { person: self.person()?, local: self.take()? })
    }

    pub fn text(&self) -> Result<&'a str, StoreError> {
        std::str::from_utf8(self.0).map_err(|_| StoreError::Damaged("a name is not text".to_string()))
    }
}

pub fn resource_key(kind: u8, id: ResourceId) -> Vec<u8> {
    Key::new(RESOURCE).person(id.person).byte(kind).bytes(&id.local).done()
}

pub fn history_key(kind: u8, id: ResourceId, version: u64) -> Vec<u8> {
    Key::new(HISTORY).person(id.person).byte(kind).bytes(&id.local).number(version).done()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_sort_as_bytes_and_read_back() {
        let times: Vec<Timestamp> = ["1911-01-01T00:00:00.5Z", "1969-12-31T23:59:59.9Z", "1970-01-01T00:00:00Z"]
            .iter()
            .chain(&["2026-03-02T10:00:00.000000001Z", "9999-01-01T00:00:00Z"])
            .map(|text| text.parse().unwrap())
            .collect();
        assert!(times.windows(2).all(|pair| time_bytes(pair[0]) < time_bytes(pair[1])));
        assert!(times.iter().all(|time| time_of(time_bytes(*time)).unwrap() == *time));
    }

    #[test]
    fn terms_of_one_value_share_a_prefix_whatever_the_system() {
        assert_eq!(identifier_term("a", "1")[..8], identifier_term("b", "1")[..8]);
        assert_ne!(identifier_term("a", "1"), identifier_term("b", "1"));
    }
}
