//! A record on its way to the store.

use crate::problem::Problem;
use crate::protocol::Memory;
use crate::record::{Change, Membership, Record, Stored};
use crate::store::Trace;

/// A record on its way to the store: as loaded, with the changes made so far already in it.
pub struct Working {
    pub record: Record,
    /// The revision the head had when it was loaded.
    pub revision: u64,
    pub changes: Vec<Change>,
    pub memberships: Vec<Membership>,
    pub trace: Trace,
    /// What the rules could not use or judge and have not told before.
    pub unused: Vec<Problem>,
    /// What the rules remember of the record; of one that was just read, nothing.
    pub memory: Memory,
}

impl Working {
    pub fn new(record: Record, memberships: Vec<Membership>) -> Self {
        let revision = record.head.revision;
        let (trace, memory) = (Trace::default(), Memory::default());
        Self { record, revision, changes: Vec::new(), memberships, trace, unused: Vec::new(), memory }
    }

    /// Takes changes into the record, so that what comes next sees them.
    pub fn take(&mut self, changes: Vec<Change>) {
        self.memory.learn(&changes);
        for change in changes {
            self.record.apply(&change);
            self.changes.push(change);
        }
    }
}

/// `Task/id/_history/version`
pub(super) fn version_path(stored: &Stored) -> String {
    format!("{}/{}/_history/{}", stored.resource.resource_type(), stored.id, stored.version)
}
