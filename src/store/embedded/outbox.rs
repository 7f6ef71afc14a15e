//! Deliveries: each in its line (one per patient and partner), listed, counted, and taken away when they are old.

use std::sync::Arc;

use jiff::Timestamp;

use super::delivery::{self, Kept, Label, Place};
use super::draft::Draft;
use super::keys::{ASIDE, CREATED, DELIVERY, FINISHED, Key, Reader, hash};
use super::line;
use super::pack::pack_json;
use super::walk::{present, walk};
use crate::store::engine::{Span, View};
use crate::store::outbox::Progress;
use crate::store::{Attempt, Cursor, Delivery, DeliveryFilter, DeliveryState, NewDelivery, Outcome, Page, StoreError};

/// Writes a delivery in its new state, and whatever follows for its line, the queue, the listings and the counts.
fn write(draft: &mut Draft<'_>, id: &str, before: Option<DeliveryState>, kept: &Kept) -> Result<(), StoreError> {
    let (place, state) = (&kept.place, kept.progress.state);
    draft.put(delivery::key(id), kept.pack()?);
    let in_line = place.line().number(place.number).done();
    if state.is_open() {
        draft.put(in_line, id.as_bytes().to_vec());
    } else {
        draft.delete(in_line);
    }
    line::follow(draft, id, kept)?;
    if before != Some(state) {
        let is_aside = |state: DeliveryState| matches!(state, DeliveryState::Held | DeliveryState::Dead);
        if let Some(before) = before.filter(|before| is_aside(*before)) {
            draft.delete(place.aside(before));
        }
        if is_aside(state) {
            draft.put(place.aside(state), id.as_bytes().to_vec());
        }
        draft.counters.moved(before, state);
    }
    Ok(())
}

/// A delivery that is there already stays as it is: its id says that the same was decided before.
pub fn add(draft: &mut Draft<'_>, new: NewDelivery, sequence: u64, ordinal: usize) -> Result<(), StoreError> {
    if draft.get(&delivery::key(&new.id))?.is_some() {
        return Ok(());
    }
    let place = Place {
        partner: hash(&[&new.partner]),
        person: new.person,
        number: new.number,
        sequence,
        ordinal: u32::try_from(ordinal).unwrap_or(u32::MAX),
        is_urgent: new.urgent,
    };
    draft.put(created_key(&place), new.id.as_bytes().to_vec());
    let (state, created) = (DeliveryState::Waiting, new.created);
    let progress = Progress { state, tries: 0, attempts: Vec::new(), next: Some(new.due), created };
    write(draft, &new.id, None, &Kept { place, progress, new: pack_json(&new)? })
}

fn created_key(place: &Place) -> Vec<u8> {
    Key::new(CREATED).number(place.sequence).bytes(&place.ordinal.to_be_bytes()).done()
}

/// Changes what changes of a delivery, and writes it when `change` says so. None when there is none.
fn change<T>(
    draft: &mut Draft<'_>,
    id: &str,
    change: impl FnOnce(&mut Progress) -> (T, bool),
) -> Result<Option<T>, StoreError> {
    let Some(mut kept) = delivery::read(draft, id)? else { return Ok(None) };
    let (before, finished) = (kept.progress.state, kept.progress.finished());
    let (result, is_changed) = change(&mut kept.progress);
    if is_changed {
        note_finished(draft, id, finished, kept.progress.finished());
        write(draft, id, Some(before), &kept)?;
    }
    Ok(Some(result))
}

pub fn finish(draft: &mut Draft<'_>, id: &str, attempt: Attempt, outcome: Outcome) -> Result<(), StoreError> {
    let found = change(draft, id, |progress| (progress.record(attempt, outcome), true))?;
    found.ok_or_else(|| StoreError::Refused("there is no such delivery".to_string()))
}

/// Nothing happens to a delivery that somebody else finished meanwhile.
pub fn release(draft: &mut Draft<'_>, id: &str, due: Timestamp) -> Result<(), StoreError> {
    let later = |progress: &mut Progress| {
        let is_later = progress.next.is_some_and(|next| next < due);
        if is_later {
            progress.next = Some(due);
        }
        ((), is_later)
    };
    change(draft, id, later).map(|_| ())
}

/// What was finished meanwhile stays as it went.
pub fn shorten(draft: &mut Draft<'_>, id: &str, payload: serde_json::Value) -> Result<(), StoreError> {
    let Some(mut kept) = delivery::read(draft, id)? else { return Ok(()) };
    if kept.progress.state.is_open() {
        kept.new = pack_json(&NewDelivery { payload, ..kept.made()? })?;
        draft.put(delivery::key(id), kept.pack()?);
    }
    Ok(())
}

pub fn retry(draft: &mut Draft<'_>, id: &str, now: Timestamp) -> Result<bool, StoreError> {
    let again = |progress: &mut Progress| {
        let is_open = progress.retry(now);
        (is_open, is_open)
    };
    Ok(change(draft, id, again)?.unwrap_or_default())
}

fn finished_key(at: Timestamp, id: &str) -> Vec<u8> {
    Key::new(FINISHED).time(at).bytes(id.as_bytes()).done()
}

/// Keeps the deliveries that are finished in the order in which they will be pruned.
fn note_finished(draft: &mut Draft<'_>, id: &str, before: Option<Timestamp>, after: Option<Timestamp>) {
    if before != after {
        before.into_iter().for_each(|at| draft.delete(finished_key(at, id)));
        after.into_iter().for_each(|at| draft.put(finished_key(at, id), Vec::new()));
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
    let Some(Kept { place, progress, .. }) = delivery::read(draft, id)? else { return Ok(false) };
    let Some(finished) = progress.finished().filter(|finished| *finished < before) else { return Ok(false) };
    draft.delete(delivery::key(id));
    draft.delete(created_key(&place));
    draft.delete(finished_key(finished, id));
    if progress.state == DeliveryState::Dead {
        draft.delete(place.aside(progress.state));
    }
    draft.counters.gone(progress.state);
    Ok(true)
}

pub fn get(view: &dyn View, id: &str) -> Result<Option<Delivery>, StoreError> {
    delivery::read(view, id)?.map(Kept::delivery).transpose()
}

/// In the order asked. One that does not read back is reported and left: others must not wait for it.
pub fn several(view: &dyn View, ids: &[Arc<str>]) -> Result<Vec<Delivery>, StoreError> {
    let mut found = Vec::new();
    for id in ids {
        match get(view, id) {
            Ok(Some(delivery)) => found.push(delivery),
            Ok(None) => tracing::error!(delivery = &**id, "a delivery that is to be sent is not there"),
            Err(StoreError::Damaged(fault)) => tracing::error!(delivery = &**id, fault, "a delivery cannot be sent"),
            Err(error) => return Err(error),
        }
    }
    Ok(found)
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
        let label = Label::of(&value)?;
        let wanted = filter.state.is_none_or(|state| state == label.state)
            && filter.person.is_none_or(|person| person == label.person)
            && partner.is_none_or(|partner| partner == label.partner);
        if wanted { Kept::unpack(&value)?.delivery().map(Some) } else { Ok(None) }
    })
}
