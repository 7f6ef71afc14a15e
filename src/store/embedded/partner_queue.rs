//! What waits for one partner, in memory: the heads of its lines by when they are due and by when they were made.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::identity::PersonId;

/// The head of a line, or what is to be sent once more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub partner: Arc<str>,
    pub person: PersonId,
    pub is_urgent: bool,
    pub next: Timestamp,
    /// The end of time for what is sent once more.
    pub created: Timestamp,
}

impl Head {
    /// Nobody waits for what the partner has.
    fn is_sent_again(&self) -> bool {
        self.created == Timestamp::MAX
    }
}

/// Ids in the order of a time of theirs.
type ByTime = BTreeSet<(Timestamp, Arc<str>)>;

#[derive(Debug, Default)]
pub struct PartnerQueue {
    /// What nobody works on, by when it is due.
    urgent: ByTime,
    routine: ByTime,
    /// What waits, worked on or not: by when it was made, and by when it is due.
    made: ByTime,
    next: ByTime,
}

impl PartnerQueue {
    pub fn put(&mut self, id: &Arc<str>, head: &Head) {
        if !head.is_sent_again() {
            self.made.insert((head.created, Arc::clone(id)));
            self.next.insert((head.next, Arc::clone(id)));
        }
    }

    /// Nobody works on it.
    pub fn offer(&mut self, id: &Arc<str>, head: &Head) {
        self.of(head.is_urgent).insert((head.next, Arc::clone(id)));
    }

    pub fn forget(&mut self, id: &Arc<str>, head: &Head) {
        self.made.remove(&(head.created, Arc::clone(id)));
        self.next.remove(&(head.next, Arc::clone(id)));
        self.of(head.is_urgent).remove(&(head.next, Arc::clone(id)));
    }

    fn of(&mut self, is_urgent: bool) -> &mut ByTime {
        if is_urgent { &mut self.urgent } else { &mut self.routine }
    }

    pub fn is_due(&self, now: Timestamp) -> bool {
        [&self.urgent, &self.routine].iter().any(|set| set.first().is_some_and(|(due, _)| *due <= now))
    }

    /// The first that is due and may go, the urgent before the rest.
    pub fn pop_due(&mut self, now: Timestamp, may_go: impl Fn(&Arc<str>) -> bool) -> Option<Arc<str>> {
        let due = |set: &ByTime| set.iter().take_while(|(due, _)| *due <= now).find(|(_, id)| may_go(id)).cloned();
        for set in [&mut self.urgent, &mut self.routine] {
            if let Some(found) = due(set) {
                set.remove(&found);
                return Some(found.1);
            }
        }
        None
    }

    pub fn oldest(&self) -> Option<Timestamp> {
        self.made.first().map(|(created, _)| *created)
    }

    pub fn first_due(&self) -> Option<Timestamp> {
        self.next.first().map(|(due, _)| *due)
    }

    #[cfg(test)]
    pub fn is_idle(&self) -> bool {
        self.urgent.is_empty() && self.routine.is_empty()
    }
}
