//! What is remembered of a Task that a person put aside for a while.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A Task that was put aside: until when, how it stood, and who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snoozed {
    pub until: Timestamp,
    pub before: String,
    pub by: String,
}
