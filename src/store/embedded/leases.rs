//! Who works on what at this moment. Kept in memory: one process holds the store, so after a restart all is free again.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

#[derive(Debug)]
pub struct Leases<K>(Mutex<HashMap<K, Timestamp>>);

impl<K: Hash + Eq> Default for Leases<K> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<K: Hash + Eq + Clone> Leases<K> {
    /// Held for the whole of a claim, the reading of the store included, so that nobody else claims on the same view.
    pub fn claim(&self, now: Timestamp, lease: SignedDuration) -> Claim<'_, K> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|_, until| *until > now);
        Claim { held, until: now.saturating_add(lease).unwrap_or(Timestamp::MAX) }
    }
}

pub struct Claim<'a, K> {
    held: MutexGuard<'a, HashMap<K, Timestamp>>,
    until: Timestamp,
}

impl<K: Hash + Eq + Clone> Claim<'_, K> {
    /// True when it was free and is now the claimer's.
    pub fn take(&mut self, key: &K) -> bool {
        if self.held.contains_key(key) {
            return false;
        }
        self.held.insert(key.clone(), self.until);
        true
    }
}
