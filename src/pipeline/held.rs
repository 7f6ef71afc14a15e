//! Whether deliveries wait for a person's word, as the store keeps it and as this process last saw it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The store's piece of state; empty where nothing is held.
pub const HOLD: &str = "deliveries-held";
/// The part that does not do what the site says meanwhile.
pub const DELIVERIES: &str = "deliveries";
/// What another gateway said counts here after this long.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Since when nothing is sent, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    pub since: Timestamp,
    pub why: String,
    pub who: String,
}

impl Hold {
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// What does not read holds them, too, as of when it was found: somebody said something, and it ends when a person resumes.
    pub(super) fn of_bytes(bytes: &[u8], found: Timestamp) -> Option<Self> {
        let damaged = |error| Self {
            since: found,
            why: format!("what the store keeps of why they are held is damaged and does not read ({error})"),
            who: "unknown".to_string(),
        };
        (!bytes.is_empty()).then(|| serde_json::from_slice(bytes).unwrap_or_else(damaged))
    }
}

/// When the store was last asked, and whether it said that deliveries are held.
#[derive(Debug, Default)]
pub(super) struct Looked(Mutex<Option<(Instant, bool)>>);

impl Looked {
    /// What was seen, unless that was too long ago.
    pub(super) fn lately(&self) -> Option<bool> {
        let seen = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.filter(|(at, _)| at.elapsed() < LOOK_EVERY).map(|(_, is_held)| is_held)
    }

    pub(super) fn saw(&self, is_held: bool) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), is_held));
    }
}
