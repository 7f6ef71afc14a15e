//! A partner that is sent nothing, by a person's word: as the store keeps it, and as this process last saw it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::store::{Delivery, DeliveryState, StoreError};

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

    pub(super) fn of_bytes(partner: &str, bytes: &[u8]) -> Result<Option<Self>, StoreError> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let damaged = |_| StoreError::Damaged(format!("why {partner} is paused does not read"));
        serde_json::from_slice(bytes).map(Some).map_err(damaged)
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

/// When the store was last asked of each partner, and what it said.
#[derive(Debug, Default)]
pub(super) struct Pauses(Mutex<HashMap<String, (Instant, Option<Pause>)>>);

impl Pauses {
    fn seen(&self) -> MutexGuard<'_, HashMap<String, (Instant, Option<Pause>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was seen last, however long ago.
    pub(super) fn last(&self, partner: &str) -> Option<Pause> {
        self.seen().get(partner).and_then(|(_, pause)| pause.clone())
    }

    /// Those of them that were not looked at lately.
    pub(super) fn to_look_at<'a>(&self, partners: impl Iterator<Item = &'a String>) -> Vec<String> {
        let seen = self.seen();
        let is_fresh = |partner: &&String| seen.get(*partner).is_some_and(|(at, _)| at.elapsed() < LOOK_EVERY);
        partners.filter(|partner| !is_fresh(partner)).cloned().collect()
    }

    /// The store is asked anew.
    pub(super) fn forget(&self, partner: &str) {
        self.seen().remove(partner);
    }

    pub(super) fn saw(&self, partner: &str, pause: Option<Pause>) {
        self.seen().insert(partner.to_string(), (Instant::now(), pause));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_reads_back_and_what_is_damaged_is_said() {
        let since = "2026-03-02T21:40:00Z".parse().unwrap();
        let pause = Pause { since, why: "new server".into(), who: "person:ada".into(), drains: true };
        assert_eq!(Pause::of_bytes("hillside", &pause.to_bytes()).unwrap(), Some(pause));
        assert_eq!(Pause::of_bytes("hillside", b"").unwrap(), None);
        let damaged = Pause::of_bytes("hillside", b"{").unwrap_err().to_string();
        assert!(damaged.contains("hillside"), "{damaged}");
    }
}
