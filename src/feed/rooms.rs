//! Who has a place at a feed's port. Each peer that the site names keeps one place of the limit free for itself while it has no
//! connection, so that no other takes all; who is not known yet (a TLS handshake, a proxy's header) is counted apart. Where there is
//! no room for the next, one of the address that holds most makes it. Counts only; does no I/O.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
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
    unknown: BTreeMap<u64, Unknown>,
    seats: BTreeMap<u64, Seated>,
}

struct Unknown {
    address: IpAddr,
    cut: Arc<Notify>,
}

struct Seated {
    entry: Entry,
    address: IpAddr,
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

    /// A place for somebody who is not known yet, of whom `limit` connections set how many there may be. Where all are taken, of
    /// the address that holds most of them the one who has tried longest loses his.
    pub(super) fn wait(self: &Arc<Self>, address: IpAddr, limit: usize) -> Place {
        let mut state = self.state();
        if state.unknown.len() >= (limit / 4).max(LEAST_UNKNOWN) {
            let longest = longest_of_most(state.unknown.iter().map(|(number, unknown)| (*number, unknown.address)));
            if let Some(longest) = longest.and_then(|number| state.unknown.remove(&number)) {
                longest.cut.notify_one();
            }
        }
        let (number, cut) = state.number();
        state.unknown.insert(number, Unknown { address, cut: cut.clone() });
        Place { rooms: self.clone(), number, cut }
    }

    /// A seat for somebody who is known, of `peers` that the feed names. None where there is no room: all is taken but what the
    /// other peers keep free. One of the same peer's from which no whole message has come yet makes room: the oldest of the
    /// address that holds most such.
    pub(super) fn seat(self: &Arc<Self>, entry: Entry, address: IpAddr, limit: usize, peers: usize) -> Option<Place> {
        let mut state = self.state();
        if !state.has_room(entry, limit, peers) {
            let silent = state.seats.iter().filter(|(_, seated)| seated.is_silent && seated.entry == entry);
            let number = longest_of_most(silent.map(|(number, seated)| (*number, seated.address)))?;
            if let Some(seated) = state.seats.remove(&number) {
                seated.cut.notify_one();
            }
        }
        if !state.has_room(entry, limit, peers) {
            return None;
        }
        let (number, cut) = state.number();
        state.seats.insert(number, Seated { entry, address, is_silent: true, cut: cut.clone() });
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

/// Of these in the order in which they came: the first of the address that has most of them.
fn longest_of_most(places: impl Iterator<Item = (u64, IpAddr)>) -> Option<u64> {
    let mut held: HashMap<IpAddr, (usize, Reverse<u64>)> = HashMap::new();
    for (number, address) in places {
        held.entry(address).or_insert((0, Reverse(number))).0 += 1;
    }
    held.into_values().max().map(|(_, Reverse(first))| first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    fn lost(place: &Place) -> bool {
        let mut lost = Box::pin(place.lost());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        lost.as_mut().poll(&mut context).is_ready()
    }

    #[test]
    fn each_peer_that_is_named_keeps_a_place_whoever_else_comes() {
        let rooms = Arc::new(Rooms::default());
        let seat = |peer| rooms.seat(Some(peer), address(1), 5, 3).inspect(Place::spoke);
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
        let seat = || rooms.seat(None, address(1), 2, 0);
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
        let waiting: Vec<Place> = (0..LEAST_UNKNOWN).map(|_| rooms.wait(address(1), 4)).collect();
        assert!(waiting.iter().all(|place| !lost(place)));
        let next = rooms.wait(address(1), 4);
        assert!(lost(&waiting[0]) && !lost(&waiting[1]) && !lost(&next));
        assert_eq!(
            (0..4).filter_map(|_| rooms.seat(None, address(1), 4, 0)).map(std::mem::forget).count(),
            4,
            "they take no seats"
        );
    }

    #[test]
    fn one_address_makes_room_itself_and_sends_nobody_else_away() {
        let rooms = Arc::new(Rooms::default());
        let honest = (rooms.wait(address(1), 4), rooms.seat(None, address(1), 4, 0).unwrap());
        let wait = || rooms.wait(address(2), 4);
        let seat = || rooms.seat(None, address(2), 4, 0).unwrap();
        let (waiting, seats): (Vec<Place>, Vec<Place>) = (0..50).map(|_| (wait(), seat())).unzip();
        assert!(!lost(&honest.0) && !lost(&honest.1));
        let held = |places: &[Place]| places.iter().filter(|place| !lost(place)).count();
        assert_eq!((held(&waiting), held(&seats)), (LEAST_UNKNOWN - 1, 3));
    }
}
