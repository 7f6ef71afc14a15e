//! What goes when it is old enough, and how much went. Resources, their history and records are never pruned.

use jiff::Timestamp;

/// What is older than these times may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PruneBefore {
    /// Messages received before, with their traces and answers. The key they are recognised by goes with them: what is
    /// sent again after that is a new message, which the record takes as it takes any late one. Causes of what could not be
    /// used that were last seen before, unless somebody has open work of them.
    pub messages: Timestamp,
    /// Deliveries finished before (delivered, or given up) with their attempts. Those that wait or are held stay,
    /// however old. A decision made again after that makes its delivery again.
    pub deliveries: Timestamp,
    /// Audit entries made before.
    pub audit: Timestamp,
    /// One-time values that expired before: the time of the day, as a rule.
    pub once: Timestamp,
}

/// What one call took away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    pub messages: u64,
    pub deliveries: u64,
    pub audit: u64,
    pub once: u64,
    /// Causes of what could not be used.
    pub unused: u64,
    /// The budget ran out: another call will find more.
    pub more: bool,
}

impl Pruned {
    pub fn is_empty(&self) -> bool {
        self.messages + self.deliveries + self.audit + self.once + self.unused == 0
    }
}
