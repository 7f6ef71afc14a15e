//! How much waits for one partner: counted as it goes, in the commit that changes it, so that asking costs the same at any length.

use jiff::Timestamp;

use super::convert::convert;
use super::delivery::{self, Label};
use super::draft::Draft;
use super::keys::{BACKLOG, Hash, Key, LINE, Reader, hash};
use super::pack::damaged;
use super::queue::Queue;
use super::rebuild::clear;
use crate::store::engine::{Engine, Span, View};
use crate::store::{Backlog, DeliveryState, StoreError};

/// So many are read at a time.
const CHUNK: usize = 2000;

/// What waits, and what is held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    waiting: u64,
    held: u64,
}

impl Counts {
    fn read(view: &dyn View, partner: &Hash) -> Result<Self, StoreError> {
        view.get(&key(partner))?.map_or(Ok(Self::default()), |value| Self::of(&value))
    }

    fn of(value: &[u8]) -> Result<Self, StoreError> {
        let mut reader = Reader(value);
        Ok(Self { waiting: reader.number()?, held: reader.number()? })
    }

    fn of_state(&mut self, state: DeliveryState) -> Option<&mut u64> {
        match state {
            DeliveryState::Waiting => Some(&mut self.waiting),
            DeliveryState::Held => Some(&mut self.held),
            _ => None,
        }
    }

    fn to_bytes(self) -> Vec<u8> {
        [self.waiting, self.held].into_iter().flat_map(u64::to_be_bytes).collect()
    }
}

fn key(partner: &Hash) -> Vec<u8> {
    Key::new(BACKLOG).bytes(partner).done()
}

/// Counts a delivery that goes from one state to another; none is before it is made.
pub fn moved(
    draft: &mut Draft<'_>,
    partner: &Hash,
    from: Option<DeliveryState>,
    to: DeliveryState,
) -> Result<(), StoreError> {
    let before = Counts::read(draft, partner)?;
    let mut counts = before;
    if let Some(count) = from.and_then(|from| counts.of_state(from)) {
        *count = count.saturating_sub(1);
    }
    if let Some(count) = counts.of_state(to) {
        *count += 1;
    }
    match counts {
        _ if counts == before => {}
        Counts { waiting: 0, held: 0 } => draft.delete(key(partner)),
        _ => draft.put(key(partner), counts.to_bytes()),
    }
    Ok(())
}

/// Only what was made until a time is counted one by one.
pub fn of_partner(
    view: &dyn View,
    queue: &Queue,
    partner: &str,
    made_until: Option<Timestamp>,
) -> Result<Backlog, StoreError> {
    let hashed = hash(&[partner]);
    let Counts { waiting, held } = Counts::read(view, &hashed)?;
    let made_before = made_until.map_or(Ok(0), |until| made_before(view, &hashed, until))?;
    let (oldest, next) = queue.first_of(partner);
    Ok(Backlog { waiting, made_before, held, oldest, next })
}

fn made_before(view: &dyn View, partner: &Hash, until: Timestamp) -> Result<u64, StoreError> {
    let (mut count, mut rest) = (0, Span::prefix(Key::new(LINE).bytes(partner).done()));
    loop {
        let pairs = view.scan(&rest, CHUNK)?;
        let Some((last, _)) = pairs.last() else { return Ok(count) };
        rest = rest.after(last);
        for (_, id) in &pairs {
            let kept = delivery::read(view, Reader(id).text()?)?.ok_or_else(|| damaged("a delivery in line"))?;
            let waits = kept.progress.state == DeliveryState::Waiting;
            count += u64::from(waits && kept.progress.created <= until);
        }
    }
}

/// Counts what stands in the lines of a store of before.
pub fn build(engine: &dyn Engine) -> Result<(), StoreError> {
    clear(engine, BACKLOG)?;
    convert(engine, LINE, |view, (_, id), changes| {
        let value = view.get(&delivery::key(Reader(id).text()?))?.ok_or_else(|| damaged("a delivery in line"))?;
        let Label { state, partner, .. } = Label::of(&value)?;
        let mut counts = match changes.get(&key(&partner)) {
            Some(Some(counted)) => Counts::of(counted)?,
            _ => Counts::read(view, &partner)?,
        };
        if let Some(count) = counts.of_state(state) {
            *count += 1;
        }
        changes.insert(key(&partner), Some(counts.to_bytes()));
        Ok(())
    })
}
