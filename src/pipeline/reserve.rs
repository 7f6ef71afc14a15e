//! What reading writes (one-time values that were used, who was shown what) while the store cannot be written to: kept in memory so
//! that tokens are given and reads answered, and written when the store is back. Bounded: when it is full, reads are refused. Never
//! opened for a store of which only a restart can tell what it holds, since what is in memory would go with it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::store::AuditEntry;

/// The part that does not do what the site says meanwhile.
pub const READS: &str = "reads";

/// What is kept at most. An entry of the audit is some hundreds of bytes.
const MOST_BYTES: usize = 64 << 20;
/// About what an entry takes beside its texts.
const EACH_BYTES: usize = 160;

#[derive(Debug, Default)]
pub struct Reserve(Mutex<Kept>);

#[derive(Debug, Default)]
pub(super) struct Kept {
    /// By kind and value, until when it counts.
    pub once: BTreeMap<(String, String), Timestamp>,
    pub audit: VecDeque<AuditEntry>,
    bytes: usize,
    pub is_full: bool,
}

impl Kept {
    pub fn is_empty(&self) -> bool {
        self.once.is_empty() && self.audit.is_empty()
    }

    fn count(&self) -> usize {
        self.once.len() + self.audit.len()
    }

    /// Whether there is room for so many bytes, which are taken.
    pub fn takes(&mut self, bytes: usize) -> bool {
        // Nothing lost: whoever asks is told, and refuses.
        self.is_full = self.bytes + bytes > MOST_BYTES;
        if !self.is_full {
            self.bytes += bytes;
        }
        !self.is_full
    }

    pub fn gives_back(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

pub(super) fn size_of_entry(entry: &AuditEntry) -> usize {
    EACH_BYTES + entry.agent.len() + entry.action.len() + entry.subject.len() + entry.because.len()
}

pub(super) fn size_of_value(kind: &str, value: &str) -> usize {
    EACH_BYTES + kind.len() + value.len()
}

impl Reserve {
    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much is kept, and whether no more can be.
    pub fn standing(&self) -> (usize, bool) {
        let kept = self.kept();
        (kept.count(), kept.is_full)
    }
}
