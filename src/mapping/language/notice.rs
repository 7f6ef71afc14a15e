//! What a map says of a segment beside the resource it makes: that something is missing, or is read otherwise than written.

use super::{Condition, SourcePath};
use crate::problem::Severity;
use crate::unused::{Duty, Kind};

/// One notice of a segment map; it becomes a `Problem` where its condition holds.
#[derive(Debug, Clone)]
pub struct Notice {
    pub when: Condition,
    /// The field that the sender would change.
    pub at: SourcePath,
    pub kind: Kind,
    pub severity: Severity,
    pub duty: Option<Duty>,
    /// The coded place that says what it is about; without one it is about the field.
    pub of: Option<SourcePath>,
    pub text: String,
}
