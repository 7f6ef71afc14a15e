//! Several ranges of the index of messages as one list, those received last first and each message once: of each range only so
//! much is read ahead as the list is likely to take from it.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::keys::{Hash, Key, MESSAGE_BY, Reader, time_bytes};
use super::pack::damaged;
use crate::store::StoreError;
use crate::store::engine::{Span, View};

/// Bytes of a place.
pub const PLACE: usize = 20;
/// Where a message stands in a list: the time it was received and its number, both in falling order.
pub type Place = [u8; PLACE];

/// Keys read at once, over all ranges together and of one.
const AHEAD: usize = 1024;
const CHUNK: usize = 128;

struct Range {
    rest: Span,
    read: VecDeque<(Place, u16)>,
    is_over: bool,
}

pub struct Merged<'v> {
    view: &'v dyn View,
    ranges: Vec<Range>,
    heads: BinaryHeap<Reverse<(Place, usize)>>,
    chunk: usize,
    has_begun: bool,
    last: Option<Place>,
}

/// The place at the end of a key, behind what comes before it.
pub fn place_of(key: &[u8]) -> Result<Place, StoreError> {
    let place = key.len().checked_sub(PLACE).and_then(|start| key.get(start..)).filter(|_| key.len() > PLACE);
    let refused = || StoreError::Refused("this is no cursor of ours; start the listing again".to_string());
    place.and_then(|place| place.try_into().ok()).ok_or_else(refused)
}

impl<'v> Merged<'v> {
    /// What stands under any of these, received in a time (from, before) and after a place.
    pub fn new(
        view: &'v dyn View,
        terms: &[Hash],
        (from, before): (Option<Timestamp>, Option<Timestamp>),
        after: Option<&Place>,
    ) -> Self {
        let range = |term: &Hash| {
            let of_term = || Key::new(MESSAGE_BY).bytes(term);
            let whole = Span::prefix(of_term().done());
            // A later time is a smaller key.
            let first_before = |time: Timestamp| match time.checked_sub(SignedDuration::from_nanos(1)) {
                Ok(earlier) => of_term().newest_time(time_bytes(earlier)).done(),
                Err(_) => whole.until.clone(),
            };
            let start = before.map_or_else(|| whole.from.clone(), first_before);
            let start = start.max(after.map_or_else(Vec::new, |place| of_term().bytes(place).byte(0).done()));
            let rest = Span::between(start, from.map_or_else(|| whole.until.clone(), first_before));
            Range { is_over: rest.is_empty(), rest, read: VecDeque::new() }
        };
        let chunk = (AHEAD / terms.len().max(1)).clamp(2, CHUNK);
        let ranges = terms.iter().map(range).collect();
        Self { view, ranges, heads: BinaryHeap::new(), chunk, has_begun: false, last: None }
    }

    /// The next message's place, with the kinds of what of it could not be used.
    pub fn next(&mut self) -> Result<Option<(Place, u16)>, StoreError> {
        if !self.has_begun {
            self.has_begun = true;
            (0..self.ranges.len()).try_for_each(|number| self.raise(number))?;
        }
        while let Some(Reverse((place, number))) = self.heads.pop() {
            let kinds = self.ranges.get_mut(number).and_then(|range| range.read.pop_front());
            self.raise(number)?;
            // Nothing lost: a message that stands under several of them is given once.
            if self.last != Some(place) {
                self.last = Some(place);
                return Ok(Some((place, kinds.map_or(0, |(_, kinds)| kinds))));
            }
        }
        Ok(None)
    }

    /// Has the first of a range stand for it.
    fn raise(&mut self, number: usize) -> Result<(), StoreError> {
        let Some(range) = self.ranges.get_mut(number) else { return Ok(()) };
        if range.read.is_empty() && !range.is_over {
            let pairs = self.view.scan(&range.rest, self.chunk)?;
            range.is_over = pairs.len() < self.chunk;
            if let Some((last, _)) = pairs.last() {
                range.rest = range.rest.after(last);
            }
            for (key, value) in &pairs {
                let kinds = u16::from_be_bytes(Reader(value).take()?);
                range.read.push_back((place_of(key).map_err(|_| damaged("an index of messages"))?, kinds));
            }
        }
        self.heads.extend(range.read.front().map(|(place, _)| Reverse((*place, number))));
        Ok(())
    }
}
