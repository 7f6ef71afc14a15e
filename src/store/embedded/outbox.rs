//! Deliveries: each in its line (one per patient and partner), only the first of a line in the queue of what is due.

use jiff::Timestamp;

use super::draft::Draft;
use super::keys::{ASIDE, CREATED, DELIVERY, DUE, FINISHED, Hash, Key, LINE, Reader, hash, time_bytes, time_of};
use super::leases::Claim;
use super::pack::{damaged, pack_json, unpack_json};
use super::walk::{present, walk};
use crate::identity::PersonId;
use crate::store::engine::{Pair, Span, View};
use crate::store::{Attempt, Cursor, Delivery, DeliveryFilter, DeliveryState, NewDelivery, Outcome, Page, StoreError};

/// What can be told of a delivery without reading its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Label {
    state: DeliveryState,
    partner: Hash,
    person: PersonId,
    number: u64,
    sequence: u64,
    ordinal: u32,
    next: Option<Timestamp>,
}

impl Label {
    fn read(bytes: &[u8]) -> Result<(Self, &[u8]), StoreError> {
        let mut reader = Reader(bytes);
        let state = DeliveryState::numbered(reader.byte()?).ok_or_else(|| damaged("a delivery's state"))?;
        let (partner, person, number) = (reader.take()?, reader.person()?, reader.number()?);
        let (sequence, ordinal) = (reader.number()?, u32::from_be_bytes(reader.take()?));
        let next = if reader.byte()? == 1 { Some(time_of(reader.take()?)?) } else { None };
        Ok((Self { state, partner, person, number, sequence, ordinal, next }, reader.0))
    }

    fn line(&self) -> Key {
        Key::new(LINE).bytes(&self.partner).person(self.person)
    }

    fn aside(&self) -> Vec<u8> {
        let key = Key::new(ASIDE).byte(self.state.number()).number(self.sequence);
        key.bytes(&self.ordinal.to_be_bytes()).done()
    }

    fn pack(&self, delivery: &Delivery) -> Result<Vec<u8>, StoreError> {
        let key = Key::new(self.state.number()).bytes(&self.partner).person(self.person).number(self.number);
        let key = key.number(self.sequence).bytes(&self.ordinal.to_be_bytes()).byte(u8::from(self.next.is_some()));
        let next = self.next.map_or_else(Vec::new, |next| time_bytes(next).to_vec());
        let body = pack_json(&(&delivery.new, delivery.tries, &delivery.attempts))?;
        Ok([key.done(), next, body].concat())
    }
}

fn delivery_key(id: &str) -> Vec<u8> {
    Key::new(DELIVERY).bytes(id.as_bytes()).done()
}

fn read(view: &dyn View, id: &str) -> Result<Option<(Label, Delivery)>, StoreError> {
    view.get(&delivery_key(id))?.map(|value| unpack(&value)).transpose()
}

fn unpack(value: &[u8]) -> Result<(Label, Delivery), StoreError> {
    let (label, rest) = Label::read(value)?;
    let (new, tries, attempts) = unpack_json(rest)?;
    let delivery = Delivery { new, state: label.state, tries, attempts, next: label.next };
    Ok((label, delivery))
}

/// The key in the due queue that this line ought to have: that of its first unfinished delivery, which comes with it, packed.
fn due_of_line(view: &dyn View, label: &Label) -> Result<Option<Pair>, StoreError> {
    let Some((_, id)) = view.scan(&Span::prefix(label.line().done()), 1)?.into_iter().next() else { return Ok(None) };
    let value = present(view.get(&Key::new(DELIVERY).bytes(&id).done())?, "a delivery in line")?;
    let next = Label::read(&value)?.0.next.ok_or_else(|| damaged("a delivery in line"))?;
    Ok(Some((Key::new(DUE).time(next).bytes(&id).done(), value)))
}

/// Writes a delivery in its new state, and whatever follows for its line, the queue, the listings and the counts.
fn write(draft: &mut Draft<'_>, before: Option<&Label>, label: &Label, delivery: &Delivery) -> Result<(), StoreError> {
    let id = delivery.new.id.as_bytes();
    let due_before = due_of_line(draft, label)?.map(|(key, _)| key);
    draft.put(delivery_key(&delivery.new.id), label.pack(delivery)?);
    let place = label.line().number(label.number).done();
    if matches!(label.state, DeliveryState::Waiting | DeliveryState::Held) {
        draft.put(place, id.to_vec());
    } else {
        draft.delete(place);
    }
    let due_after = due_of_line(draft, label)?;
    if due_before.as_ref() != due_after.as_ref().map(|(key, _)| key) {
        if let Some(key) = due_before {
            draft.delete(key);
        }
        if let Some((key, first)) = due_after {
            draft.put(key, time_bytes(unpack(&first)?.1.new.created).to_vec());
        }
    }
    let was = before.map(|before| before.state);
    if was != Some(label.state) {
        let aside = |label: &Label| matches!(label.state, DeliveryState::Held | DeliveryState::Dead);
        if let Some(before) = before.filter(|before| aside(before)) {
            draft.delete(before.aside());
        }
        if aside(label) {
            draft.put(label.aside(), id.to_vec());
        }
        draft.counters.moved(was, label.state);
    }
    Ok(())
}

/// A delivery that is there already stays as it is: its id says that the same was decided before.
pub fn add(draft: &mut Draft<'_>, new: NewDelivery, sequence: u64, ordinal: usize) -> Result<(), StoreError> {
    if draft.get(&delivery_key(&new.id))?.is_some() {
        return Ok(());
    }
    let label = Label {
        state: DeliveryState::Waiting,
        partner: hash(&[&new.partner]),
        person: new.person,
        number: new.number,
        sequence,
        ordinal: u32::try_from(ordinal).unwrap_or(u32::MAX),
        next: Some(new.due),
    };
    let created = Key::new(CREATED).number(sequence).bytes(&label.ordinal.to_be_bytes()).done();
    draft.put(created, new.id.as_bytes().to_vec());
    let next = label.next;
    let delivery = Delivery { new, state: label.state, tries: 0, attempts: Vec::new(), next };
    write(draft, None, &label, &delivery)
}

pub fn finish(draft: &mut Draft<'_>, id: &str, attempt: Attempt, outcome: Outcome) -> Result<(), StoreError> {
    let Some((before, mut delivery)) = read(draft, id)? else {
        return Err(StoreError::Refused("there is no such delivery".to_string()));
    };
    let finished = delivery.finished();
    delivery.record(attempt, outcome);
    note_finished(draft, &delivery, finished);
    let label = Label { state: delivery.state, next: delivery.next, ..before.clone() };
    write(draft, Some(&before), &label, &delivery)
}

/// Nothing happens to a delivery that somebody else finished meanwhile.
pub fn release(draft: &mut Draft<'_>, id: &str, due: Timestamp) -> Result<(), StoreError> {
    let Some((before, mut delivery)) = read(draft, id)? else { return Ok(()) };
    if delivery.next.is_some_and(|next| next < due) {
        delivery.next = Some(due);
        let label = Label { next: delivery.next, ..before.clone() };
        write(draft, Some(&before), &label, &delivery)?;
    }
    Ok(())
}

/// What was finished meanwhile stays as it went.
pub fn shorten(draft: &mut Draft<'_>, id: &str, payload: serde_json::Value) -> Result<(), StoreError> {
    let Some((label, mut delivery)) = read(draft, id)? else { return Ok(()) };
    if delivery.finished().is_none() {
        delivery.new.payload = payload;
        write(draft, Some(&label), &label, &delivery)?;
    }
    Ok(())
}

pub fn retry(draft: &mut Draft<'_>, id: &str, now: Timestamp) -> Result<bool, StoreError> {
    let Some((before, mut delivery)) = read(draft, id)? else { return Ok(false) };
    let finished = delivery.finished();
    if !delivery.retry(now) {
        return Ok(false);
    }
    note_finished(draft, &delivery, finished);
    let label = Label { state: delivery.state, next: delivery.next, ..before.clone() };
    write(draft, Some(&before), &label, &delivery)?;
    Ok(true)
}

fn finished_key(at: Timestamp, id: &str) -> Vec<u8> {
    Key::new(FINISHED).time(at).bytes(id.as_bytes()).done()
}

/// Keeps the deliveries that are finished in the order in which they will be pruned.
fn note_finished(draft: &mut Draft<'_>, delivery: &Delivery, before: Option<Timestamp>) {
    let after = delivery.finished();
    if before != after {
        before.into_iter().for_each(|at| draft.delete(finished_key(at, &delivery.new.id)));
        after.into_iter().for_each(|at| draft.put(finished_key(at, &delivery.new.id), Vec::new()));
    }
}

/// The ids of the first deliveries that were finished before a time.
pub fn finished_before(view: &dyn View, before: Timestamp, count: usize) -> Result<Vec<String>, StoreError> {
    let span = Span::between(vec![FINISHED], Key::new(FINISHED).time(before).done());
    let id = |key: &[u8]| {
        let mut reader = Reader::of_key(key);
        let _: [u8; 12] = reader.take()?;
        Ok(reader.text()?.to_string())
    };
    view.scan(&span, count)?.iter().map(|(key, _)| id(key)).collect()
}

/// Takes a delivery out of everything, if it is still finished.
pub fn remove(draft: &mut Draft<'_>, id: &str, before: Timestamp) -> Result<bool, StoreError> {
    let Some((label, delivery)) = read(draft, id)? else { return Ok(false) };
    let Some(finished) = delivery.finished().filter(|finished| *finished < before) else { return Ok(false) };
    draft.delete(delivery_key(id));
    draft.delete(Key::new(CREATED).number(label.sequence).bytes(&label.ordinal.to_be_bytes()).done());
    draft.delete(finished_key(finished, id));
    if label.state == DeliveryState::Dead {
        draft.delete(label.aside());
    }
    draft.counters.gone(label.state);
    Ok(true)
}

pub fn get(view: &dyn View, id: &str) -> Result<Option<Delivery>, StoreError> {
    Ok(read(view, id)?.map(|(_, delivery)| delivery))
}

pub fn claim(
    view: &dyn View,
    claim: &mut Claim<'_, String>,
    now: Timestamp,
    count: usize,
) -> Result<Vec<Delivery>, StoreError> {
    let mut span = Span::between(vec![DUE], [&Key::new(DUE).time(now).done()[..], &[u8::MAX]].concat());
    let mut claimed = Vec::new();
    while claimed.len() < count {
        let pairs = view.scan(&span, 256)?;
        let Some((last, _)) = pairs.last() else { break };
        span = span.after(last);
        for (key, _) in &pairs {
            let mut reader = Reader::of_key(key);
            let _: [u8; 12] = reader.take()?;
            let id = reader.text()?;
            if claimed.len() < count && claim.take(&id.to_string()) {
                claimed.push(present_delivery(view, id)?);
            }
        }
    }
    Ok(claimed)
}

/// When the oldest was made of the first deliveries in the queue.
pub fn oldest(view: &dyn View, count: usize) -> Result<Option<Timestamp>, StoreError> {
    let mut oldest = None;
    for (key, value) in view.scan(&Span::prefix(vec![DUE]), count)? {
        let created = if value.is_empty() {
            // A program of before did not write it here.
            let mut reader = Reader::of_key(&key);
            let _: [u8; 12] = reader.take()?;
            present_delivery(view, reader.text()?)?.new.created
        } else {
            time_of(Reader(&value).take()?)?
        };
        oldest = Some(oldest.map_or(created, |known: Timestamp| known.min(created)));
    }
    Ok(oldest)
}

fn present_delivery(view: &dyn View, id: &str) -> Result<Delivery, StoreError> {
    get(view, id)?.ok_or_else(|| damaged("a delivery in a queue"))
}

pub fn list(
    view: &dyn View,
    filter: &DeliveryFilter,
    cursor: Option<&Cursor>,
    count: usize,
) -> Result<Page<Delivery>, StoreError> {
    let span = match (filter.message, filter.state) {
        (Some(message), _) => Span::prefix(Key::new(CREATED).number(message).done()),
        (None, Some(state @ (DeliveryState::Held | DeliveryState::Dead))) => {
            Span::prefix(Key::new(ASIDE).byte(state.number()).done())
        }
        _ => Span::prefix(vec![CREATED]),
    };
    let partner = filter.partner.as_ref().map(|partner| hash(&[partner]));
    walk(view, &[span.backwards()], cursor, count, |_, id| {
        let value = present(view.get(&Key::new(DELIVERY).bytes(id).done())?, "a delivery in a listing")?;
        let label = Label::read(&value)?.0;
        let wanted = filter.state.is_none_or(|state| state == label.state)
            && filter.person.is_none_or(|person| person == label.person)
            && partner.is_none_or(|partner| partner == label.partner);
        if wanted { Ok(Some(unpack(&value)?.1)) } else { Ok(None) }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::embedded::Embedded;
    use crate::store::engine::{Changes, Engine, Memory};
    use crate::store::{Store, WriteUnit};

    #[tokio::test]
    async fn the_oldest_is_found_without_reading_a_delivery_and_in_a_queue_of_before_by_reading_it() {
        let memory = Memory::default();
        let engine = memory.clone();
        let store = Embedded::open("memory", None, Box::new(move || Ok(Box::new(engine.clone())))).unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        let made = |number: i64| NewDelivery {
            id: format!("d{number}"),
            partner: format!("practice {number}"),
            person: PersonId::SHARED,
            number: 1,
            subject: "Task/1/_history/1".to_string(),
            agreement: "agreements/lakeside.yaml:7".to_string(),
            payload: json!({}),
            created: at(100 - number),
            due: at(200),
            message: None,
            ending: false,
        };
        store.commit(WriteUnit { deliveries: (1..=9).map(made).collect(), ..WriteUnit::default() }).await.unwrap();
        let queue = memory.view().unwrap().scan(&Span::prefix(vec![DUE]), 20).unwrap();
        let of_before: Changes = queue.iter().map(|(key, _)| (key.clone(), Some(Vec::new()))).collect();
        memory.write(of_before).unwrap();
        assert_eq!(store.health().await.oldest_delivery, Some(at(91)));
        memory.write(queue.into_iter().map(|(key, value)| (key, Some(value))).collect()).unwrap();
        let bodies = memory.view().unwrap().scan(&Span::prefix(vec![DELIVERY]), 20).unwrap();
        memory.write(bodies.into_iter().map(|(key, _)| (key, None)).collect()).unwrap();
        assert_eq!(store.health().await.oldest_delivery, Some(at(91)));
    }
}
