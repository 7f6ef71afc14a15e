//! What is owed to the patient now, the most urgent first: by when, why, who has it, and what was tried.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::fhir::text;
use super::gathered::{Gathered, gathered};
use crate::console::standing::Standing;
use crate::console::tasks::{Note, attempts, notes};
use crate::fhir::concept_title;
use crate::protocol::{Looked, is_final};
use crate::record::{Record, Stored};
use crate::store::{Urgency, due_of};

/// One Task.
pub(crate) struct Owed {
    pub id: String,
    /// `now`, `late`, `today` or nothing, and the chip's word.
    pub class: &'static str,
    pub chip: String,
    pub chip_class: &'static str,
    pub detail: String,
    pub title: String,
    pub text: String,
    pub why: String,
    /// It asks to offer or to end a programme: that is done further down the page.
    pub is_programme: bool,
    pub owner: String,
    pub attempts: String,
    pub notes: Vec<Note>,
    pub can_accept: bool,
    /// What it holds together.
    pub gathered: Gathered,
}

pub(super) fn owed(record: &Record, looked: &Looked, now: Timestamp, zone: &TimeZone) -> Vec<Owed> {
    let is_open = |stored: &&Stored| {
        stored.state.superseded.is_none() && !is_final(stored.resource.text("status").unwrap_or_default())
    };
    let mut open: Vec<&Stored> = record.of_type("Task").filter(is_open).collect();
    open.sort_by_key(|stored| {
        (Urgency::of(&stored.resource), due_of(&stored.resource).unwrap_or(Timestamp::MAX), stored.id)
    });
    open.into_iter().map(|stored| one(stored, gathered(stored, record, looked, (now, zone)), now, zone)).collect()
}

fn one(stored: &Stored, gathered: Gathered, now: Timestamp, zone: &TimeZone) -> Owed {
    let task = Value::from(stored.resource.clone());
    let Standing { class, chip, detail } = Standing::of(&stored.resource, now, zone);
    let owner = task.get("owner").map(|owner| text(owner, "display")).filter(|owner| !owner.is_empty());
    let reason = task.pointer("/reasonCode/text").and_then(Value::as_str).unwrap_or_default();
    let status = text(&task, "status");
    Owed {
        id: stored.id.to_string(),
        class: if class == "later" { "" } else { class },
        chip_class: class,
        chip,
        detail,
        title: concept_title(task.get("code")).unwrap_or("Task").to_string(),
        text: text(&task, "description"),
        why: reason.to_string(),
        owner: owner.unwrap_or_else(|| "nobody named".to_string()),
        is_programme: false,
        attempts: attempts(&stored.resource),
        notes: notes(&task, zone),
        can_accept: matches!(status.as_str(), "requested" | "received" | "ready"),
        gathered,
    }
}
