//! Logical ids (http://hl7.org/fhir/R4/datatypes.html#id), made from business keys. An id is 32 characters: 16 for the
//! patient's record it lives in, 16 for the resource within it; so an id alone says which record to read, and a merge
//! of two records moves nothing.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::fhir::Identifier;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// One half of an id: 80 bits of a SHA-256, so that two of a billion records share one with a chance of about 1 in 2 million.
type Half = [u8; 10];

/// One patient's record. `SHARED` holds what belongs to no patient.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PersonId(pub Half);

/// The id of one resource: its record and its place there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResourceId {
    pub person: PersonId,
    pub local: Half,
}

/// A text that is not an id of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id that Handover gives: 32 characters of 0-9 and a-z without i, l, o and u")]
pub struct IdError;

impl PersonId {
    pub const SHARED: Self = Self([0; 10]);

    /// The record of the patient whom this identifier names first.
    pub fn of(identifier: &Identifier) -> Self {
        Self(digest(&["person", &identifier.system, &identifier.value]))
    }
}

impl ResourceId {
    /// Before all others in their order.
    pub const FIRST: Self = Self { person: PersonId::SHARED, local: [0; 10] };

    /// The id of a resource by its type and business key, within one record.
    pub fn of(person: PersonId, resource_type: &str, key: &str) -> Self {
        Self { person, local: digest(&["resource", resource_type, key]) }
    }

    /// The id of the Patient resource of a record.
    pub fn patient(person: PersonId) -> Self {
        Self::of(person, "Patient", "")
    }
}

/// Parts are separated by a byte that no identifier contains, so that ("a", "bc") and ("ab", "c") differ.
fn digest(parts: &[&str]) -> Half {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let mut half = [0; 10];
    for (to, from) in half.iter_mut().zip(hash.finalize()) {
        *to = from;
    }
    half
}

fn encode(half: &Half, text: &mut String) {
    let bits = half.iter().fold(0_u128, |bits, byte| (bits << 8) | u128::from(*byte));
    for place in (0..16).rev() {
        // Nothing lost: five bits fit.
        let digit = usize::try_from((bits >> (place * 5)) & 31).unwrap_or_default();
        text.push(ALPHABET.get(digit).copied().map_or('0', char::from));
    }
}

fn decode(text: &str) -> Result<Half, IdError> {
    if text.len() != 16 {
        return Err(IdError);
    }
    let mut bits = 0_u128;
    for byte in text.bytes() {
        let digit = ALPHABET.iter().position(|known| *known == byte).ok_or(IdError)?;
        bits = (bits << 5) | u128::try_from(digit).map_err(|_| IdError)?;
    }
    let mut half = [0; 10];
    for (place, to) in half.iter_mut().enumerate() {
        *to = u8::try_from((bits >> (72 - place * 8)) & 255).map_err(|_| IdError)?;
    }
    Ok(half)
}

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(16);
        encode(&self.0, &mut text);
        f.write_str(&text)
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(32);
        encode(&self.person.0, &mut text);
        encode(&self.local, &mut text);
        f.write_str(&text)
    }
}

impl fmt::Debug for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PersonId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        decode(text).map(Self)
    }
}

impl FromStr for ResourceId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let (person, local) = text.split_at_checked(16).ok_or(IdError)?;
        Ok(Self { person: PersonId(decode(person)?), local: decode(local)? })
    }
}

impl TryFrom<String> for PersonId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl TryFrom<String> for ResourceId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<PersonId> for String {
    fn from(id: PersonId) -> Self {
        id.to_string()
    }
}

impl From<ResourceId> for String {
    fn from(id: ResourceId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_written_and_carries_its_record() {
        let person = PersonId::of(&Identifier::new("urn:oid:1.2.3", "4711"));
        let id = ResourceId::of(person, "Encounter", "V-1");
        let text = id.to_string();
        assert_eq!(text.len(), 32);
        assert_eq!(text.parse(), Ok(id));
        assert!(text.starts_with(&person.to_string()));
    }

    #[test]
    fn the_boundary_between_system_and_value_matters() {
        assert_ne!(PersonId::of(&Identifier::new("a", "bc")), PersonId::of(&Identifier::new("ab", "c")));
    }

    #[test]
    fn foreign_ids_are_refused() {
        assert_eq!("123".parse::<ResourceId>(), Err(IdError));
        assert_eq!("é".repeat(16).parse::<ResourceId>(), Err(IdError));
    }
}
