//! What the audit keeps of a patient, also of records that were taken over: newest first, in steps, however much there is.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::identity::PersonId;
use crate::store::{AuditEntry, Cursor, Store, StoreError};

/// Read of one record, and given, at once.
const STEP: usize = 500;

/// How far it is read.
pub(super) struct Disclosed {
    store: Arc<dyn Store>,
    lanes: Vec<Lane>,
}

/// One record of the family.
struct Lane {
    person: PersonId,
    read: VecDeque<AuditEntry>,
    after: Option<Cursor>,
    is_at_end: bool,
}

impl Disclosed {
    pub(super) fn of(store: Arc<dyn Store>, family: impl Iterator<Item = PersonId>) -> Self {
        let lane = |person| Lane { person, read: VecDeque::new(), after: None, is_at_end: false };
        Self { store, lanes: family.map(lane).collect() }
    }

    /// The next ones; none where there are no more.
    pub(super) async fn next(&mut self) -> Result<Vec<AuditEntry>, StoreError> {
        let mut step = Vec::new();
        while step.len() < STEP {
            for lane in &mut self.lanes {
                lane.fill(&*self.store).await?;
            }
            let newest = self.lanes.iter_mut().filter(|lane| !lane.read.is_empty());
            // Of the same moment the first record's come first.
            let newest = newest.rev().max_by_key(|lane| lane.read.front().map(|entry| entry.at));
            let Some(entry) = newest.and_then(|lane| lane.read.pop_front()) else { break };
            step.push(entry);
        }
        Ok(step)
    }
}

impl Lane {
    async fn fill(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        if self.read.is_empty() && !self.is_at_end {
            let page = store.audit(Some(self.person), self.after.as_ref(), STEP).await?;
            (self.is_at_end, self.after) = (page.next.is_none(), page.next);
            self.read = page.items.into();
        }
        Ok(())
    }
}
