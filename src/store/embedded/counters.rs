//! What the store counts as it goes, written with every group: the last sequence number and how much there is.

use super::keys::{Key, META, Reader};
use crate::fhir::search::SearchTable;
use crate::store::DeliveryState;
use crate::store::StoreError;
use crate::store::engine::View;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    pub sequence: u64,
    pub messages: u64,
    pub records: u64,
    pub waiting: u64,
    pub held: u64,
    pub dead: u64,
    /// Which layout of the worklist's index every commit kept up, 0 for none: a program of before leaves the number out, so
    /// that the next one knows to build the index anew.
    pub worklist: u64,
    /// The same of the index of what waits for a look.
    pub looks: u64,
    /// The same of the heads of lines.
    pub lines: u64,
    /// The same of what partners hold.
    pub copies: u64,
    /// The same of the words by which people are found.
    pub people: u64,
    /// Which search parameters every commit indexed by (`SearchTable::fingerprint`), 0 for none.
    pub searches: u64,
    /// Which layout of the index of versions by time (`history`), as above.
    pub history: u64,
    /// The same of what messages are looked for by (`sought`).
    pub sought: u64,
    /// The same of how much waits for each partner (`backlog`).
    pub backlogs: u64,
}

/// Raised when places in the worklist's order are found otherwise than before (`WorkPlace`).
pub const WORKLIST: u64 = 2;
/// Raised when what waits for a look is told otherwise than before (`store::looks`).
pub const LOOKS: u64 = 1;
/// Raised when the head of a line is kept otherwise than before (`line`).
pub const LINES: u64 = 2;
/// Raised when what partners hold is kept otherwise than before (`copies`).
pub const COPIES: u64 = 1;
/// Raised when the words by which people are found are told otherwise than before (`store::people`).
pub const PEOPLE: u64 = 1;
/// Raised when versions are found by time otherwise than before (`history`).
pub const HISTORY: u64 = 1;
/// Raised when messages are found otherwise than before (`sought`).
pub const SOUGHT: u64 = 1;
/// Raised when what waits for a partner is counted otherwise than before (`backlog`).
pub const BACKLOGS: u64 = 1;

impl Counters {
    pub fn key() -> Vec<u8> {
        Key::new(META).bytes(b"counters").done()
    }

    pub fn read(view: &dyn View) -> Result<Self, StoreError> {
        Self::of(view.get(&Self::key())?.as_deref())
    }

    /// None is that of a new store.
    pub fn of(value: Option<&[u8]>) -> Result<Self, StoreError> {
        let Some(value) = value else {
            let (worklist, looks, lines, copies, people) = (WORKLIST, LOOKS, LINES, COPIES, PEOPLE);
            let searches = SearchTable::fingerprint();
            let (history, sought, backlogs) = (HISTORY, SOUGHT, BACKLOGS);
            return Ok(Self {
                worklist,
                looks,
                lines,
                copies,
                people,
                searches,
                history,
                sought,
                backlogs,
                ..Self::default()
            });
        };
        let mut reader = Reader(value);
        let mut next = || reader.number();
        let mut counters = Self {
            sequence: next()?,
            messages: next()?,
            records: next()?,
            waiting: next()?,
            held: next()?,
            dead: next()?,
            ..Self::default()
        };
        // A program of before leaves the last ones out.
        let Self { worklist, looks, lines, copies, people, searches, history, sought, backlogs, .. } = &mut counters;
        for index in [worklist, looks, lines, copies, people, searches, history, sought, backlogs] {
            *index = if reader.0.is_empty() { 0 } else { reader.number()? };
        }
        Ok(counters)
    }

    pub fn to_bytes(self) -> Vec<u8> {
        let counts = [self.sequence, self.messages, self.records, self.waiting, self.held, self.dead];
        let first = [self.worklist, self.looks, self.lines, self.copies, self.people, self.searches];
        let indexes = first.into_iter().chain([self.history, self.sought, self.backlogs]);
        let all = counts.into_iter().chain(indexes);
        all.flat_map(u64::to_be_bytes).collect()
    }

    /// Counts a delivery that goes from one state to another; none is before it is made.
    pub fn moved(&mut self, from: Option<DeliveryState>, to: DeliveryState) {
        if let Some(from) = from {
            self.gone(from);
        }
        if let Some(count) = self.of_state(to) {
            *count += 1;
        }
    }

    /// Counts a delivery that goes for good.
    pub fn gone(&mut self, from: DeliveryState) {
        if let Some(count) = self.of_state(from) {
            *count = count.saturating_sub(1);
        }
    }

    fn of_state(&mut self, state: DeliveryState) -> Option<&mut u64> {
        match state {
            DeliveryState::Waiting => Some(&mut self.waiting),
            DeliveryState::Held => Some(&mut self.held),
            DeliveryState::Dead => Some(&mut self.dead),
            DeliveryState::Delivered | DeliveryState::Withdrawn | DeliveryState::Superseded => None,
        }
    }
}
