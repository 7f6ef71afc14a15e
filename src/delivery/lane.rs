//! How fast one partner is sent to: so many at the same time, so many in a second, and only one to try how it is after it
//! showed that it cannot take them. Partners share nothing here: what one cannot take costs its own lane alone. Never
//! decides what becomes of a delivery.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::retry::Reply;

/// So many failures in a row before a partner is left alone for a while, and then tried by one delivery at a time.
const FAILURES_BEFORE_PAUSE: u32 = 3;
const LONGEST_PAUSE_SECS: u64 = 60;
const LONGEST_ASKED_PAUSE_SECS: u64 = 300;

/// What has its turn within this long may be taken up now; the rest stays in the store, where what is urgent can pass it.
const SOON: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub struct Lane {
    parallel: usize,
    spacing: Duration,
    state: Mutex<State>,
}

/// Times are steady ones (`Clock::steady`).
#[derive(Debug, Default)]
struct State {
    under_way: usize,
    next_turn: Duration,
    failures: u32,
    paused_until: Option<Duration>,
}

/// What a lane can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    pub places: usize,
    /// It can take more after this long, even if nothing that is under way ends.
    pub again: Option<Duration>,
}

impl Lane {
    pub fn new(parallel: usize, rate_per_sec: u32) -> Self {
        Self {
            parallel: parallel.clamp(1, 256),
            spacing: Duration::from_secs(1) / rate_per_sec.clamp(1, 100_000),
            state: Mutex::default(),
        }
    }

    pub fn room(&self, now: Duration) -> Room {
        let state = self.state();
        if let Some(until) = state.paused_until.filter(|until| now < *until) {
            return Room { places: 0, again: until.checked_sub(now) };
        }
        let parallel = if state.failures < FAILURES_BEFORE_PAUSE { self.parallel } else { 1 };
        let free = parallel.saturating_sub(state.under_way);
        let until = now + SOON;
        if state.next_turn > until {
            return Room { places: 0, again: Some(state.next_turn - until) };
        }
        let span = until - state.next_turn.max(now);
        let turns = usize::try_from(span.as_nanos() / self.spacing.as_nanos().max(1)).unwrap_or(usize::MAX);
        let turns = turns.saturating_add(1);
        Room { places: free.min(turns), again: (turns < free).then_some(SOON / 2) }
    }

    /// Takes a place, which is given back when what this returns is dropped.
    pub fn enter(self: &Arc<Self>) -> Place {
        self.state().under_way += 1;
        Place(Arc::clone(self))
    }

    /// One more request is made than turns were taken: the next turn comes so much later.
    pub fn count_another(&self, now: Duration) {
        let mut state = self.state();
        state.next_turn = state.next_turn.max(now) + self.spacing;
    }

    /// Learns from a reply how the partner is.
    fn learn(&self, reply: Reply, now: Duration) {
        let mut state = self.state();
        let asked = match reply {
            Reply::Status { code: 429 | 503, retry_after_secs } => retry_after_secs.unwrap_or(0),
            Reply::Status { code: 500 | 502 | 504, .. }
            | Reply::Foreign
            | Reply::Transport
            | Reply::Unknown
            | Reply::Unauthorized => 0,
            Reply::Status { .. } | Reply::Denied | Reply::Differs => {
                (state.failures, state.paused_until) = (0, None);
                return;
            }
            Reply::Unsendable => return,
        };
        state.failures = state.failures.saturating_add(1);
        let growing = u64::from(1_u32 << state.failures.saturating_sub(FAILURES_BEFORE_PAUSE).min(6));
        let own = if state.failures < FAILURES_BEFORE_PAUSE { 0 } else { growing.min(LONGEST_PAUSE_SECS) };
        let pause = own.max(asked.min(LONGEST_ASKED_PAUSE_SECS));
        if pause > 0 {
            state.paused_until = now.checked_add(Duration::from_secs(pause));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of those that may be sent at the same time.
#[derive(Debug)]
pub struct Place(Arc<Lane>);

impl Place {
    /// Takes the next turn, which comes after this long.
    pub fn turn(&self, now: Duration) -> Duration {
        let mut state = self.0.state();
        let turn = state.next_turn.max(now);
        state.next_turn = turn + self.0.spacing;
        turn.saturating_sub(now)
    }

    /// Nothing was sent in the turn: another may have it.
    pub fn leave_turn(self) {
        let mut state = self.0.state();
        state.next_turn = state.next_turn.saturating_sub(self.0.spacing);
    }

    pub fn learn(&self, reply: Reply, now: Duration) {
        self.0.learn(reply, now);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.under_way = state.under_way.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    const BUSY: Reply = Reply::Status { code: 429, retry_after_secs: Some(20) };
    const FINE: Reply = Reply::Status { code: 200, retry_after_secs: None };

    #[test]
    fn a_partner_that_asks_for_time_gets_it() {
        let lane = Lane::new(2, 1000);
        lane.learn(BUSY, at(0));
        assert_eq!(lane.room(at(0)), Room { places: 0, again: Some(Duration::from_secs(20)) });
        assert_eq!(lane.room(at(20_000)).places, 2);
    }

    #[test]
    fn failures_in_a_row_pause_it_then_one_tries_and_a_success_opens_it() {
        let lane = Arc::new(Lane::new(5, 1000));
        lane.learn(Reply::Transport, at(0));
        lane.learn(Reply::Unknown, at(0));
        assert_eq!(lane.room(at(0)).places, 5);
        lane.learn(Reply::Transport, at(0));
        assert_eq!(lane.room(at(0)).places, 0);
        assert_eq!(lane.room(at(5_000)).places, 1);
        let probe = lane.enter();
        assert_eq!(lane.room(at(5_000)).places, 0, "one at a time");
        probe.learn(Reply::Transport, at(5_000));
        drop(probe);
        assert_eq!(lane.room(at(5_000)).places, 0);
        assert_eq!(lane.room(at(95_000)).places, 1);
        lane.learn(FINE, at(95_000));
        assert_eq!(lane.room(at(95_000)).places, 5);
    }

    #[test]
    fn turns_are_spaced_by_the_rate_and_only_what_is_near_is_taken_up() {
        let lane = Arc::new(Lane::new(10, 20));
        assert_eq!(lane.room(at(0)), Room { places: 3, again: Some(at(50)) });
        let waits: Vec<_> = (0..5).map(|_| lane.enter().turn(at(0))).collect();
        assert_eq!(waits, [0, 50, 100, 150, 200].map(at));
        assert_eq!(lane.room(at(90)), Room { places: 0, again: Some(at(60)) });
        let slow = Arc::new(Lane::new(4, 1));
        assert_eq!(slow.enter().turn(at(0)), at(0));
        assert_eq!(slow.room(at(200)), Room { places: 0, again: Some(at(700)) });
        slow.enter().leave_turn();
        assert_eq!(slow.room(at(200)).places, 1, "a turn that was not used is there for another");
    }

    #[test]
    fn places_are_given_back() {
        let lane = Arc::new(Lane::new(2, 1000));
        let (one, other) = (lane.enter(), lane.enter());
        assert_eq!(lane.room(at(0)), Room { places: 0, again: None });
        drop(one);
        assert_eq!(lane.room(at(0)).places, 1);
        drop(other);
        assert_eq!(lane.room(at(0)).places, 2);
    }
}
