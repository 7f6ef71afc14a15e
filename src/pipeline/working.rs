//! A record on its way to the store.

use crate::problem::Problem;
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
}

impl Working {
    pub fn new(record: Record, memberships: Vec<Membership>) -> Self {
        let revision = record.head.revision;
        Self { record, revision, changes: Vec::new(), memberships, trace: Trace::default(), unused: Vec::new() }
    }

    /// Takes changes into the record, so that what comes next sees them.
    pub fn take(&mut self, changes: Vec<Change>) {
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
