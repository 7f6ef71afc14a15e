//! One writer at a time per patient inside this process, so that commits of one record seldom meet a conflict. The
//! store's revisions stay the truth: with several gateways on one database these locks are only a courtesy.

use tokio::sync::{Mutex, OwnedMutexGuard};

use std::sync::Arc;

use crate::identity::PersonId;

/// How often a decision is made anew because somebody else changed the record; with the locks once is rare already.
pub(super) const MOST_TRIES: usize = 16;
/// Two patients share a lock once in this many times; they then wait for each other, nothing more.
const STRIPES: usize = 1024;

pub(super) struct Locks(Vec<Arc<Mutex<()>>>);

impl Locks {
    pub(super) fn new() -> Self {
        Self((0..STRIPES).map(|_| Arc::new(Mutex::new(()))).collect())
    }

    /// Locks the records in one fixed order, so that two merges of the same records cannot wait for each other forever.
    pub(super) async fn hold(&self, persons: &[PersonId]) -> Vec<OwnedMutexGuard<()>> {
        let mut held = Vec::with_capacity(persons.len());
        for lock in self.of(persons) {
            held.push(lock.lock_owned().await);
        }
        held
    }

    /// The same where nobody holds any of them.
    pub(super) fn hold_free(&self, persons: &[PersonId]) -> Option<Vec<OwnedMutexGuard<()>>> {
        // Nothing lost: whoever asks waits for those that are held.
        self.of(persons).map(|lock| lock.try_lock_owned().ok()).collect()
    }

    fn of(&self, persons: &[PersonId]) -> impl Iterator<Item = Arc<Mutex<()>>> {
        let mut stripes: Vec<usize> = persons.iter().map(|person| stripe(*person)).collect();
        stripes.sort_unstable();
        stripes.dedup();
        stripes.into_iter().filter_map(|stripe| self.0.get(stripe).cloned())
    }
}

fn stripe(person: PersonId) -> usize {
    let [first, second, ..] = person.0;
    (usize::from(first) << 8 | usize::from(second)) % STRIPES
}
