//! Deliveries: each in its line (one per patient and partner), listed, counted, and taken away when they are old.

use std::sync::Arc;

use jiff::Timestamp;

use super::backlog;
use super::copies::{self, is_unsettled, unsettled_key};
use super::delivery::{self, Kept, Label, Place, thing_of};
use super::draft::Draft;
use super::keys::{ASIDE, CREATED, DELIVERY, DUE, FINISHED, Key, LINE, Reader, hash};
use super::line;
use super::pack::pack_json;
use super::walk::{present, walk};
use crate::store::copy::Follow;
use crate::store::engine::{Span, View};
use crate::store::outbox::Progress;
use crate::store::{
    Alteration, Attempt, Claimed, Cursor, Delivery, DeliveryFilter, DeliveryState, NewDelivery, Outcome, Page,
    StoreError,
};

/// So many are looked at, at a time, when what was put off is made due.
const HASTENED: usize = 500;

/// Writes a delivery in its new state, and whatever follows for its line, the queue, the listings and the counts.
fn write(draft: &mut Draft<'_>, id: &str, before: Option<&Progress>, kept: &Kept) -> Result<(), StoreError> {
    let (place, state) = (&kept.place, kept.progress.state);
    let again_before = before.and_then(line::again);
    let before = before.map(|before| before.state);
    draft.put(delivery::key(id), kept.pack()?);
    let in_line = place.line().number(place.number).done();
    if state.is_open() {
        draft.put(in_line, id.as_bytes().to_vec());
    } else {
        draft.delete(in_line);
    }
    line::follow(draft, id, kept)?;
    line::follow_again(draft, id, again_before, kept)?;
    if before != Some(state) {
        let is_aside = |state: DeliveryState| matches!(state, DeliveryState::Held | DeliveryState::Dead);
        if let Some(before) = before.filter(|before| is_aside(*before)) {
            draft.delete(place.aside(before));
        }
        if is_aside(state) {
            draft.put(place.aside(state), id.as_bytes().to_vec());
        }
        match (before.is_some_and(is_unsettled), is_unsettled(state)) {
            (false, true) => draft.put(unsettled_key(place), id.as_bytes().to_vec()),
            (true, false) => draft.delete(unsettled_key(place)),
            _ => {}
        }
        draft.counters.moved(before, state);
        backlog::moved(draft, &place.partner, before, state)?;
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
        thing: thing_of(&new.subject),
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
    let before = kept.progress.clone();
    let (result, is_changed) = change(&mut kept.progress);
    if is_changed {
        note_finished(draft, id, before.finished(), kept.progress.finished());
        write(draft, id, Some(&before), &kept)?;
    }
    Ok(Some(result))
}

pub fn finish(draft: &mut Draft<'_>, id: &str, attempt: Attempt, outcome: Outcome) -> Result<(), StoreError> {
    let kept =
        delivery::read(draft, id)?.ok_or_else(|| StoreError::Refused("there is no such delivery".to_string()))?;
    let follow = copies::record(draft, id, &kept.place, &attempt, outcome)?;
    if draft.get(&delivery::in_hand_key(id))?.is_some() {
        draft.delete(delivery::in_hand_key(id));
    }
    let again = follow.again.as_ref().filter(|(newest, _)| newest == id && outcome == Outcome::Delivered);
    change(draft, id, |progress| {
        progress.record(attempt, outcome);
        again.into_iter().for_each(|(_, at)| progress.send_again(*at));
        ((), true)
    })?;
    follow_others(draft, id, &kept.place, follow)
}

/// Does what follows for others than the delivery that was tried.
fn follow_others(draft: &mut Draft<'_>, id: &str, place: &Place, follow: Follow) -> Result<(), StoreError> {
    if let Some((newest, at)) = follow.again.filter(|(newest, _)| newest != id) {
        change(draft, &newest, |progress| (progress.send_again(at), true))?;
    }
    if let Some(before) = follow.no_more {
        change(draft, &before, |progress| {
            let is_due_again = progress.next.is_some();
            progress.supersede();
            ((), is_due_again)
        })?;
    }
    if !follow.retires_older {
        return Ok(());
    }
    let mut after = None;
    loop {
        let (older, next) = copies::older(draft, place, after)?;
        if next.is_none() {
            break;
        }
        for id in &older {
            change(draft, id, |progress| (progress.supersede(), true))?;
        }
        after = next;
    }
    Ok(())
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
    if kept.progress.finished().is_none() {
        kept.new = pack_json(&NewDelivery { payload, ..kept.made()? })?;
        draft.put(delivery::key(id), kept.pack()?);
    }
    Ok(())
}

/// Does what a person asks of a delivery; false where it is not one that this can be asked of.
pub fn alter(draft: &mut Draft<'_>, id: &str, by: Alteration) -> Result<bool, StoreError> {
    let Some(kept) = delivery::read(draft, id)? else { return Ok(false) };
    if by.is_of_newest() && !copies::is_newest(draft, id, &kept.place)? {
        return Ok(false);
    }
    let altered = |progress: &mut Progress| {
        let is_altered = progress.alter(by);
        (is_altered, is_altered)
    };
    Ok(change(draft, id, altered)?.unwrap_or_default())
}

/// Ids of what is to be tried later than this, in lines and once more, a part at a time; with where to go on.
pub fn put_off(
    view: &dyn View,
    latest: Timestamp,
    after: Option<Vec<u8>>,
) -> Result<(Vec<String>, Option<Vec<u8>>), StoreError> {
    let mut ids = Vec::new();
    let mut last = after;
    for space in [LINE, DUE] {
        let span = Span::prefix(vec![space]);
        let span = match &last {
            Some(last) if last.first() > Some(&space) => continue,
            Some(last) if last.first() == Some(&space) => span.after(last),
            _ => span,
        };
        let pairs = view.scan(&span, HASTENED)?;
        for (key, value) in &pairs {
            let id = if space == LINE { Reader(value).text()?.to_string() } else { line::LineHead::unpack(value)?.id };
            if delivery::read(view, &id)?.is_some_and(|kept| kept.progress.next.is_some_and(|next| next > latest)) {
                ids.push(id);
            }
            last = Some(key.clone());
        }
        if pairs.len() == HASTENED {
            return Ok((ids, last));
        }
    }
    Ok((ids, None))
}

pub fn hasten(draft: &mut Draft<'_>, ids: &[String], latest: Timestamp) -> Result<u64, StoreError> {
    let mut count = 0;
    for id in ids {
        let hasten = |progress: &mut Progress| {
            let is_later = progress.next.is_some_and(|next| next > latest);
            progress.next = progress.next.map(|next| next.min(latest));
            (u64::from(is_later), is_later)
        };
        count += change(draft, id, hasten)?.unwrap_or_default();
    }
    Ok(count)
}

fn get_claimed(view: &dyn View, id: &str, is_inherited: bool) -> Result<Option<Delivery>, StoreError> {
    let Some(kept) = delivery::read(view, id)? else { return Ok(None) };
    let is_inherited = is_inherited || view.get(&delivery::in_hand_key(id))?.is_some();
    let claimed = Claimed { is_inherited, ..copies::claimed(view, &kept.place)? };
    Ok(Some(Delivery { claimed, ..kept.delivery()? }))
}

/// What stands behind one in its line, in order, up to the first that is not due.
pub fn behind(view: &dyn View, claimed: &str, now: Timestamp, most: usize) -> Result<Vec<Delivery>, StoreError> {
    let Some(head) = delivery::read(view, claimed)? else { return Ok(Vec::new()) };
    let line = head.place.line();
    let rest = Span::prefix(line.done()).after(&head.place.line().number(head.place.number).done());
    let mut behind = Vec::new();
    for (_, id) in view.scan(&rest, most)? {
        let found = get_claimed(view, Reader(&id).text()?, false)?;
        let is_due = |one: &Delivery| one.state == DeliveryState::Waiting && one.next.is_some_and(|next| next <= now);
        let Some(one) = found.filter(is_due) else { break };
        behind.push(one);
    }
    Ok(behind)
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
        draft.delete(unsettled_key(&place));
    }
    draft.delete(delivery::in_hand_key(id));
    copies::forget(draft, id, &place)?;
    draft.counters.gone(progress.state);
    Ok(true)
}

pub fn get(view: &dyn View, id: &str) -> Result<Option<Delivery>, StoreError> {
    delivery::read(view, id)?.map(Kept::delivery).transpose()
}

/// What was claimed, with what the partner holds of each. One that does not read back is reported and left: others must not
/// wait for it.
pub fn claimed(view: &dyn View, ids: &[(Arc<str>, bool)]) -> Result<Vec<Delivery>, StoreError> {
    let mut found = Vec::new();
    for (id, is_inherited) in ids {
        match get_claimed(view, id, *is_inherited) {
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
