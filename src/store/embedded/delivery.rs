//! A delivery as it is kept: what changes from attempt to attempt stands before what is sent, so that an attempt is recorded
//! without reading the payload or writing it in another form.

use super::keys::{ASIDE, DELIVERY, Hash, IN_HAND, Key, LINE, LINE_HEAD, Reader, hash, time_of};
use super::pack::{damaged, json, pack_json, unpack_json};
use crate::identity::PersonId;
use crate::store::copy::thing;
use crate::store::engine::View;
use crate::store::outbox::Progress;
use crate::store::{Attempt, Claimed, Delivery, DeliveryState, NewDelivery, StoreError};

/// Beside the state's number in the first byte: written in this form, and not in that of before, which had the attempts
/// among what is sent.
const APART: u8 = 0x80;

/// Beside it: the thing that it tells of stands before what is sent, too.
const NAMED: u8 = 0x40;

/// Where a delivery stands among others; never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub partner: Hash,
    pub person: PersonId,
    pub number: u64,
    pub sequence: u64,
    pub ordinal: u32,
    pub is_urgent: bool,
    /// What it tells of.
    pub thing: Hash,
}

/// What a delivery tells of, by its subject; a record's resources go with it when it is merged, so that it is one thing in
/// whatever line.
pub fn thing_of(subject: &str) -> Hash {
    hash(&[thing(subject)])
}

impl Place {
    pub fn line(&self) -> Key {
        Key::new(LINE).bytes(&self.partner).person(self.person)
    }

    pub fn line_head(&self) -> Vec<u8> {
        Key::new(LINE_HEAD).bytes(&self.partner).person(self.person).done()
    }

    pub fn aside(&self, state: DeliveryState) -> Vec<u8> {
        let key = Key::new(ASIDE).byte(state.number()).number(self.sequence);
        key.bytes(&self.ordinal.to_be_bytes()).done()
    }
}

#[derive(Debug, Clone)]
pub struct Kept {
    pub place: Place,
    pub progress: Progress,
    /// What was made, packed.
    pub new: Vec<u8>,
}

pub fn key(id: &str) -> Vec<u8> {
    Key::new(DELIVERY).bytes(id.as_bytes()).done()
}

/// Stands while it is sent with the head of its line.
pub fn in_hand_key(id: &str) -> Vec<u8> {
    Key::new(IN_HAND).bytes(id.as_bytes()).done()
}

pub fn read(view: &dyn View, id: &str) -> Result<Option<Kept>, StoreError> {
    view.get(&key(id))?.map(|value| Kept::unpack(&value)).transpose()
}

/// What a listing chooses by, without reading the rest.
pub struct Label {
    pub state: DeliveryState,
    pub partner: Hash,
    pub person: PersonId,
}

impl Label {
    pub fn of(value: &[u8]) -> Result<Self, StoreError> {
        let mut reader = Reader(value);
        let state = state(reader.byte()? & !(APART | NAMED))?;
        Ok(Self { state, partner: reader.take()?, person: reader.person()? })
    }
}

fn state(number: u8) -> Result<DeliveryState, StoreError> {
    DeliveryState::numbered(number).ok_or_else(|| damaged("a delivery's state"))
}

impl Kept {
    pub fn pack(&self) -> Result<Vec<u8>, StoreError> {
        let (place, progress) = (&self.place, &self.progress);
        let key = Key::new(progress.state.number() | APART | NAMED).bytes(&place.partner).person(place.person);
        let key = key.number(place.number).number(place.sequence).bytes(&place.ordinal.to_be_bytes());
        let key = match progress.next {
            Some(next) => key.byte(1).time(next),
            None => key.byte(0),
        };
        let key = key.time(progress.created).byte(u8::from(place.is_urgent)).bytes(&place.thing);
        let attempts = if progress.attempts.is_empty() { Vec::new() } else { json(&progress.attempts)? };
        let length = u32::try_from(attempts.len()).map_err(|_| damaged("a delivery's attempts"))?;
        let key = key.bytes(&progress.tries.to_be_bytes()).bytes(&length.to_be_bytes());
        Ok(key.bytes(&attempts).bytes(&self.new).done())
    }

    pub fn unpack(value: &[u8]) -> Result<Self, StoreError> {
        let mut reader = Reader(value);
        let first = reader.byte()?;
        let state = state(first & !(APART | NAMED))?;
        let (partner, person, number) = (reader.take()?, reader.person()?, reader.number()?);
        let (sequence, ordinal) = (reader.number()?, u32::from_be_bytes(reader.take()?));
        let next = if reader.byte()? == 1 { Some(time_of(reader.take()?)?) } else { None };
        let place = |is_urgent, thing| Place { partner, person, number, sequence, ordinal, is_urgent, thing };
        if first & APART == 0 {
            let (new, tries, attempts): (NewDelivery, u32, Vec<Attempt>) = unpack_json(reader.0)?;
            let progress = Progress { state, tries, attempts, next, created: new.created };
            let place = place(new.urgent, thing_of(&new.subject));
            return Ok(Self { place, progress, new: pack_json(&new)? });
        }
        let (created, is_urgent) = (time_of(reader.take()?)?, reader.byte()? == 1);
        let named: Option<Hash> = if first & NAMED == 0 { None } else { Some(reader.take()?) };
        let (tries, length) = (u32::from_be_bytes(reader.take()?), u32::from_be_bytes(reader.take()?));
        let attempts = reader.slice(length as usize)?;
        let attempts = match attempts.is_empty() {
            true => Vec::new(),
            false => serde_json::from_slice(attempts).map_err(|_| damaged("a delivery's attempts"))?,
        };
        let progress = Progress { state, tries, attempts, next, created };
        let new = reader.0.to_vec();
        let thing = match named {
            Some(thing) => thing,
            None => thing_of(&unpack_json::<NewDelivery>(&new)?.subject),
        };
        Ok(Self { place: place(is_urgent, thing), progress, new })
    }

    /// As it was made.
    pub fn made(&self) -> Result<NewDelivery, StoreError> {
        unpack_json(&self.new)
    }

    pub fn delivery(self) -> Result<Delivery, StoreError> {
        let new = self.made()?;
        let Progress { state, tries, attempts, next, .. } = self.progress;
        Ok(Delivery { new, state, tries, attempts, next, claimed: Claimed::default() })
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;

    fn kept(attempts: Vec<Attempt>) -> Kept {
        let created = Timestamp::from_second(7).unwrap();
        let new = NewDelivery {
            id: "d".to_string(),
            partner: "practice".to_string(),
            person: PersonId::SHARED,
            number: 3,
            subject: "Task/1/_history/1".to_string(),
            agreement: "agreements/lakeside.yaml:7".to_string(),
            payload: json!({ "resourceType": "Task", "note": "ä".repeat(300) }),
            created,
            due: created,
            message: Some(4),
            ending: false,
            urgent: true,
        };
        let (partner, person, thing) = ([1; 16], PersonId::SHARED, thing_of("Task/1"));
        let place = Place { partner, person, number: 3, sequence: 4, ordinal: 5, is_urgent: true, thing };
        let next = Some(Timestamp::from_second(9).unwrap());
        let progress = Progress { state: DeliveryState::Waiting, tries: 1, attempts, next, created };
        Kept { place, progress, new: pack_json(&new).unwrap() }
    }

    fn same(one: &Kept, other: &Kept) {
        assert_eq!((&one.place, &one.progress), (&other.place, &other.progress));
        assert_eq!(one.clone().delivery().unwrap(), other.clone().delivery().unwrap());
    }

    #[test]
    fn a_delivery_reads_back_with_and_without_attempts_and_from_the_form_of_before() {
        let at = Timestamp::from_second(8).unwrap();
        let attempt = Attempt { status: Some(503), sent: true, ..Attempt::unsent(at, "busy".to_string()) };
        for attempts in [Vec::new(), vec![attempt]] {
            let one = kept(attempts);
            same(&Kept::unpack(&one.pack().unwrap()).unwrap(), &one);
            let (place, progress) = (&one.place, &one.progress);
            let head = Key::new(progress.state.number()).bytes(&place.partner).person(place.person);
            let head = head.number(place.number).number(place.sequence).bytes(&place.ordinal.to_be_bytes());
            let head = head.byte(1).time(progress.next.unwrap()).done();
            let new: NewDelivery = unpack_json(&one.new).unwrap();
            let before = [head, pack_json(&(&new, progress.tries, &progress.attempts)).unwrap()].concat();
            same(&Kept::unpack(&before).unwrap(), &one);
            assert_eq!(Label::of(&before).unwrap().partner, place.partner);
            let mut unnamed = one.pack().unwrap();
            unnamed[0] &= !NAMED;
            unnamed.drain(unnamed.windows(16).position(|part| part == place.thing).map(|at| at..at + 16).unwrap());
            same(&Kept::unpack(&unnamed).unwrap(), &one);
        }
    }
}
