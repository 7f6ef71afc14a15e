//! One writer at a time under one condition (`If-None-Exist`, an update by a search), so that of many who ask at once one creates.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

const STRIPES: usize = 64;

/// One writer at a time per condition.
pub struct Conditions {
    stripes: Vec<Arc<Mutex<()>>>,
    secret: RandomState,
}

impl Default for Conditions {
    fn default() -> Self {
        Self { stripes: (0..STRIPES).map(|_| Arc::default()).collect(), secret: RandomState::new() }
    }
}

impl Conditions {
    /// Holds all of these, in one order.
    pub async fn hold(&self, conditions: &[String]) -> Vec<OwnedMutexGuard<()>> {
        let stripe = |text: &String| usize::try_from(self.secret.hash_one(text) % STRIPES as u64).unwrap_or_default();
        let mut places: Vec<usize> = conditions.iter().map(stripe).collect();
        places.sort_unstable();
        places.dedup();
        let mut held = Vec::new();
        for lock in places.into_iter().filter_map(|place| self.stripes.get(place).cloned()) {
            held.push(lock.lock_owned().await);
        }
        held
    }
}
