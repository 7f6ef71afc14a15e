//! Who has a place at a feed's port. Each peer that the site names keeps one place of the limit free for itself while it has no
//! connection, so that no other takes all; who is not known yet (a TLS handshake, a proxy's header) is counted apart, and makes room
//! for the next when those are too many. Counts only; does no I/O.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Those not known yet: a quarter of what may be connected, but not less than this.
const LEAST_UNKNOWN: usize = 8;

/// Which of the feed's peers somebody is, by its place in the list; none where the feed names nobody.
pub(super) type Entry = Option<usize>;

/// The places of one feed.
#[derive(Default)]
pub(super) struct Rooms {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    /// By the order in which they came.
    unknown: BTreeMap<u64, Arc<Notify>>,
    seats: BTreeMap<u64, Seated>,
}

struct Seated {
    entry: Entry,
    /// No whole message has come from it yet: somebody who sends a frame byte by byte is silent, too.
    is_silent: bool,
    cut: Arc<Notify>,
}

/// A place that is held; free again when this is dropped.
pub(super) struct Place {
    rooms: Arc<Rooms>,
    number: u64,
    cut: Arc<Notify>,
}

impl Place {
    /// Returns when the place was given to another.
    pub(super) async fn lost(&self) {
        self.cut.notified().await;
    }

    /// A whole message came from it: it keeps its place until it leaves.
    pub(super) fn spoke(&self) {
        if let Some(seated) = self.rooms.state().seats.get_mut(&self.number) {
            seated.is_silent = false;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.rooms.state();
        state.unknown.remove(&self.number);
        state.seats.remove(&self.number);
    }
}

impl Rooms {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for somebody who is not known yet, of whom `limit` connections set how many there may be. Where all are taken the
    /// one who has tried longest loses his.
    pub(super) fn wait(self: &Arc<Self>, limit: usize) -> Place {
        let mut state = self.state();
        if state.unknown.len() >= (limit / 4).max(LEAST_UNKNOWN)
            && let Some((_, longest)) = state.unknown.pop_first()
        {
            longest.notify_one();
        }
        let (number, cut) = state.number();
        state.unknown.insert(number, cut.clone());
        Place { rooms: self.clone(), number, cut }
    }

    /// A seat for somebody who is known, of `peers` that the feed names. None where there is no room: all is taken but what the
    /// other peers keep free. One of the same peer's from which no whole message has come yet makes room.
    pub(super) fn seat(self: &Arc<Self>, entry: Entry, limit: usize, peers: usize) -> Option<Place> {
        let mut state = self.state();
        if !state.has_room(entry, limit, peers) {
            let silent = state.seats.iter().find(|(_, seated)| seated.is_silent && seated.entry == entry);
            let number = *silent?.0;
            if let Some(seated) = state.seats.remove(&number) {
                seated.cut.notify_one();
            }
        }
        if !state.has_room(entry, limit, peers) {
            return None;
        }
        let (number, cut) = state.number();
        state.seats.insert(number, Seated { entry, is_silent: true, cut: cut.clone() });
        Some(Place { rooms: self.clone(), number, cut })
    }
}

impl State {
    fn number(&mut self) -> (u64, Arc<Notify>) {
        self.next += 1;
        (self.next, Arc::new(Notify::new()))
    }

    fn has_room(&self, entry: Entry, limit: usize, peers: usize) -> bool {
        let has_seat = |peer: usize| self.seats.values().any(|seated| seated.entry == Some(peer));
        let is_first = entry.is_some_and(|peer| !has_seat(peer));
        let kept = (0..peers).filter(|peer| Some(*peer) != entry && !has_seat(*peer)).count();
        // Where the limit is lower than the number of peers, nobody can keep a place; those who come first have them.
        let kept = if is_first { 0 } else { kept };
        self.seats.len() + kept < limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(place: &Place) -> bool {
        let mut lost = Box::pin(place.lost());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        lost.as_mut().poll(&mut context).is_ready()
    }

    #[test]
    fn each_peer_that_is_named_keeps_a_place_whoever_else_comes() {
        let rooms = Arc::new(Rooms::default());
        let seat = |peer| rooms.seat(Some(peer), 5, 3).inspect(Place::spoke);
        let many: Vec<Place> = std::iter::from_fn(|| seat(0)).collect();
        assert_eq!(many.len(), 3, "two places are kept for two others");
        let second = seat(1).unwrap();
        assert!(seat(1).is_none() && seat(0).is_none(), "the last is the third one's");
        let third = seat(2).unwrap();
        assert!(seat(2).is_none());
        drop((second, many));
        assert!(seat(2).is_some(), "what is left is free again");
        drop(third);
    }

    #[test]
    fn a_feed_that_names_nobody_fills_to_its_limit_and_the_silent_make_room() {
        let rooms = Arc::new(Rooms::default());
        let seat = || rooms.seat(None, 2, 0);
        let (silent, speaking) = (seat().unwrap(), seat().unwrap());
        speaking.spoke();
        let newcomer = seat().unwrap();
        assert!(lost(&silent) && !lost(&speaking) && !lost(&newcomer));
        newcomer.spoke();
        assert!(seat().is_none(), "who has sent something is not sent away");
        drop(silent);
        assert!(seat().is_none(), "a place is given back once");
        drop(newcomer);
        assert!(seat().is_some());
    }

    #[test]
    fn those_not_known_yet_are_bounded_apart_and_the_longest_makes_room() {
        let rooms = Arc::new(Rooms::default());
        let waiting: Vec<Place> = (0..LEAST_UNKNOWN).map(|_| rooms.wait(4)).collect();
        assert!(waiting.iter().all(|place| !lost(place)));
        let next = rooms.wait(4);
        assert!(lost(&waiting[0]) && !lost(&waiting[1]) && !lost(&next));
        assert_eq!(
            (0..4).filter_map(|_| rooms.seat(None, 4, 0)).map(std::mem::forget).count(),
            4,
            "they take no seats"
        );
    }
}
