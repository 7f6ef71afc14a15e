//! A partner that is sent nothing, by a person's word: as the store keeps it, and as this process last saw it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::store::{Delivery, DeliveryState};

/// The parts that do not do what the site says meanwhile.
pub const PART: &str = "partner ";
/// What another gateway said counts here after this long.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The store's piece of state about a partner; empty where nothing is paused.
pub fn state(partner: &str) -> String {
    format!("paused/{partner}")
}

/// Since when a partner is sent nothing, by whom, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    pub since: Timestamp,
    pub why: String,
    pub who: String,
    /// What was made before is still sent.
    pub drains: bool,
}

impl Pause {
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// What does not read is a pause, too, as of when it was found: somebody said something, and it ends when a person resumes.
    pub(super) fn of_bytes(bytes: &[u8], found: Timestamp) -> Option<Self> {
        let damaged = |error| Self {
            since: found,
            why: format!("what the store keeps of its pause is damaged and does not read ({error})"),
            who: "unknown".to_string(),
            drains: false,
        };
        (!bytes.is_empty()).then(|| serde_json::from_slice(bytes).unwrap_or_else(damaged))
    }

    /// What is still sent: nothing, or what was made until then and is not sent a second time.
    pub fn made_until(&self) -> Option<Timestamp> {
        self.drains.then_some(self.since)
    }

    pub fn holds_back(&self, delivery: &Delivery) -> bool {
        let is_before = |until: Timestamp| delivery.new.created <= until && delivery.state != DeliveryState::Delivered;
        !self.made_until().is_some_and(is_before)
    }
}

/// What the store said of each partner when it was last asked, or somebody here since.
#[derive(Debug, Default)]
pub(super) struct Pauses(Mutex<HashMap<String, Seen>>);

#[derive(Debug, Default)]
struct Seen {
    /// None where it is to be asked anew.
    at: Option<Instant>,
    pause: Option<Pause>,
    /// So many words about it were said here: what was read before the last of them does not count.
    words: u64,
}

impl Pauses {
    fn seen(&self) -> MutexGuard<'_, HashMap<String, Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was seen last, however long ago.
    pub(super) fn last(&self, partner: &str) -> Option<Pause> {
        self.seen().get(partner).and_then(|seen| seen.pause.clone())
    }

    /// Those of them that were not looked at lately, each with how many words were said about it before the look.
    pub(super) fn to_look_at<'a>(&self, partners: impl Iterator<Item = &'a String>) -> Vec<(String, u64)> {
        let seen = self.seen();
        let asked = partners.filter_map(|partner| {
            let (at, words) = seen.get(partner).map_or((None, 0), |seen| (seen.at, seen.words));
            let is_fresh = at.is_some_and(|at| at.elapsed() < LOOK_EVERY);
            (!is_fresh).then(|| (partner.clone(), words))
        });
        asked.collect()
    }

    /// The store is asked anew: a word may stand there or not. Until then counts what was seen last.
    pub(super) fn forget(&self, partner: &str) {
        let mut all = self.seen();
        let seen = all.entry(partner.to_string()).or_default();
        (seen.at, seen.words) = (None, seen.words + 1);
    }

    /// Somebody here said so, and it stands in the store.
    pub(super) fn said(&self, partner: &str, pause: Option<Pause>) {
        let mut all = self.seen();
        let seen = all.entry(partner.to_string()).or_default();
        *seen = Seen { at: Some(Instant::now()), pause, words: seen.words + 1 };
    }

    /// What a look saw that began after so many words. False where somebody spoke since: it does not count.
    pub(super) fn saw(&self, partner: &str, words: u64, pause: Option<Pause>) -> bool {
        let mut all = self.seen();
        let seen = all.entry(partner.to_string()).or_default();
        let counts = seen.words == words;
        if counts {
            (seen.at, seen.pause) = (Some(Instant::now()), pause);
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause() -> Pause {
        let since = "2026-03-02T21:40:00Z".parse().unwrap();
        Pause { since, why: "new server".into(), who: "person:ada".into(), drains: true }
    }

    #[test]
    fn what_is_kept_reads_back_and_what_is_damaged_is_a_pause_of_everything_that_says_so() {
        let found = "2026-03-03T08:00:00Z".parse().unwrap();
        assert_eq!(Pause::of_bytes(&pause().to_bytes(), found), Some(pause()));
        assert_eq!(Pause::of_bytes(b"", found), None);
        let damaged = Pause::of_bytes(b"{", found).unwrap();
        assert_eq!((damaged.since, damaged.made_until()), (found, None));
        assert!(damaged.why.contains("damaged"), "{}", damaged.why);
    }

    #[test]
    fn what_was_read_before_somebody_spoke_does_not_count() {
        let (pauses, names) = (Pauses::default(), ["hillside".to_string(), "lakeside".to_string()]);
        let look = pauses.to_look_at(names.iter());
        pauses.said("hillside", Some(pause()));
        let counted: Vec<bool> = look.iter().map(|(partner, words)| pauses.saw(partner, *words, None)).collect();
        assert_eq!((counted, pauses.last("hillside")), (vec![false, true], Some(pause())));
        assert!(pauses.to_look_at(names.iter()).is_empty(), "both are known");
        // A word of which nobody knows whether it stands in the store: it is asked, and until then what was seen counts.
        pauses.forget("hillside");
        let look = pauses.to_look_at(names.iter());
        assert_eq!((look.len(), pauses.last("hillside")), (1, Some(pause())));
        pauses.forget("hillside");
        assert!(!pauses.saw("hillside", look[0].1, None) && pauses.last("hillside").is_some());
        let (partner, words) = pauses.to_look_at(names.iter()).remove(0);
        assert!(pauses.saw(&partner, words, None) && pauses.last("hillside").is_none());
    }
}
