//! What partners hold of things, beside the deliveries that told them: what an attempt at one means for the others about the
//! same thing. What follows is `store/copy.rs`'s to say.

use super::convert::convert;
use super::delivery::{Kept, Place};
use super::draft::Draft;
use super::keys::{COPY, DELIVERY, Key, Reader, UNSETTLED};
use super::once::state_key;
use super::pack::{pack_json, unpack_json};
use crate::store::copy::{Copy, Follow, Order, loss_of, loss_state};
use crate::store::engine::{Engine, Span, View};
use crate::store::{Attempt, Claimed, DeliveryState, Outcome, StoreError};

/// Older deliveries about one thing that are read at once.
const OLDER: usize = 100;

fn key(place: &Place) -> Vec<u8> {
    Key::new(COPY).bytes(&place.partner).bytes(&place.thing).done()
}

/// Where a delivery stands while it may still be sent to the partner, or be brought back.
pub fn unsettled_key(place: &Place) -> Vec<u8> {
    let key = Key::new(UNSETTLED).bytes(&place.partner).bytes(&place.thing);
    key.number(place.sequence).bytes(&place.ordinal.to_be_bytes()).done()
}

pub fn is_unsettled(state: DeliveryState) -> bool {
    matches!(state, DeliveryState::Waiting | DeliveryState::Held | DeliveryState::Dead)
}

fn order(place: &Place) -> Order {
    Order(place.sequence, place.ordinal)
}

fn read(view: &dyn View, place: &Place) -> Result<Copy, StoreError> {
    Ok(view.get(&key(place))?.map(|value| unpack_json(&value)).transpose()?.unwrap_or_default())
}

/// What a claim says of what the partner holds.
pub fn claimed(view: &dyn View, place: &Place) -> Result<Claimed, StoreError> {
    let copy = read(view, place)?;
    Ok(Claimed { is_inherited: false, is_overtaken: copy.is_newer_than(order(place)), etag: copy.etag() })
}

/// Notes what came of an attempt, and says what follows.
pub fn record(
    draft: &mut Draft<'_>,
    id: &str,
    place: &Place,
    attempt: &Attempt,
    outcome: Outcome,
) -> Result<Follow, StoreError> {
    let before = read(draft, place)?;
    let mut copy = before.clone();
    let lost = draft.get(&state_key(&loss_state(&place.partner)))?.map(|value| loss_of(&value)).transpose()?;
    let follow = copy.record(order(place), id, attempt, outcome, lost);
    if copy != before {
        draft.put(key(place), pack_json(&copy)?);
    }
    Ok(follow)
}

/// A part of what is older about the same thing and may still be sent, or be brought back; with where to go on.
pub fn older(
    view: &dyn View,
    place: &Place,
    after: Option<Vec<u8>>,
) -> Result<(Vec<String>, Option<Vec<u8>>), StoreError> {
    let all = Key::new(UNSETTLED).bytes(&place.partner).bytes(&place.thing).done();
    let span = Span::between(all, unsettled_key(place));
    let pairs = view.scan(&after.map_or(span.clone(), |after| span.after(&after)), OLDER)?;
    let ids = pairs.iter().map(|(_, id)| Ok(Reader(id).text()?.to_string())).collect::<Result<_, StoreError>>()?;
    Ok((ids, pairs.last().map(|(key, _)| key.clone())))
}

/// Whether a delivery is the newest that the partner took of its thing.
pub fn is_newest(view: &dyn View, id: &str, place: &Place) -> Result<bool, StoreError> {
    Ok(read(view, place)?.is_of(id))
}

/// What was pruned cannot be sent again.
pub fn forget(draft: &mut Draft<'_>, id: &str, place: &Place) -> Result<(), StoreError> {
    if is_newest(draft, id, place)? {
        draft.delete(key(place));
    }
    Ok(())
}

/// Finds what partners hold in a store that a program wrote which did not keep it.
pub fn build(engine: &dyn Engine) -> Result<(), StoreError> {
    convert(engine, DELIVERY, |view, (delivery, value), changes| {
        let (id, kept) = (Reader::of_key(delivery), Kept::unpack(value)?);
        let (id, place) = (id.text()?, &kept.place);
        if is_unsettled(kept.progress.state) {
            changes.insert(unsettled_key(place), Some(id.as_bytes().to_vec()));
        }
        if kept.progress.state == DeliveryState::Delivered {
            let key = key(place);
            let known = match changes.get(&key) {
                Some(known) => known.clone(),
                None => view.get(&key)?,
            };
            let mut copy: Copy = known.map(|value| unpack_json(&value)).transpose()?.unwrap_or_default();
            copy.found_delivered(order(place), id);
            changes.insert(key, Some(pack_json(&copy)?));
        }
        Ok(())
    })
}
