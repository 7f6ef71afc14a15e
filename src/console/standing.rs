//! Where a piece of work stands: what cannot wait, what is late, due today or later; as a word for the eye and in words.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::when;
use crate::fhir::Resource;
use crate::store::{Urgency, due_of};

pub(super) struct Standing {
    /// `now`, `late`, `today`, `later`.
    pub class: &'static str,
    pub chip: String,
    pub detail: String,
}

impl Standing {
    pub(super) fn of(task: &Resource, now: Timestamp, zone: &TimeZone) -> Self {
        let due = due_of(task).map(|due| when::due(due, now, zone));
        let (class, chip, detail) = match (Urgency::of(task).is_pressing(), due) {
            (true, Some(due)) if due.class == "late" => {
                ("now", "Answer now".to_string(), format!("{}, {}", due.words, due.detail))
            }
            (true, due) => ("now", "Answer now".to_string(), due.map(|due| due.detail).unwrap_or_default()),
            (false, Some(due)) => (due.class, due.words, due.detail),
            (false, None) => ("later", "No due date".to_string(), String::new()),
        };
        Self { class, chip, detail }
    }
}
