//! The window of a trial.

use jiff::Timestamp;

/// From when until when.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    pub since: Timestamp,
    pub until: Timestamp,
    /// So many people are listed for each rule.
    pub listed: usize,
}
