//! A piece of open work on the sheet: a Task with its patient, in words.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::Who;
use crate::fhir::concept_title;
use crate::identity::ResourceId;
use crate::protocol::attempts_in;
use crate::record::Stored;
use crate::store::{Urgency, due_of};

/// One open Task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Piece {
    pub task: ResourceId,
    pub patient: Who,
    pub title: String,
    /// What happened and what to do, as the rule wrote it.
    pub text: String,
    /// The rule's reason, with its numbers.
    pub why: String,
    /// FHIR's code: stat, asap, urgent, routine.
    pub urgency: &'static str,
    /// The first moment that is late.
    pub due: Option<Timestamp>,
    /// FHIR's code.
    pub status: String,
    pub owner: String,
    /// How the attempts to reach the patient went, oldest first.
    pub attempts: Vec<String>,
    /// When the visit that it is about ended, or began, where it is about one.
    pub happened: Option<Timestamp>,
}

impl Piece {
    pub(in crate::pipeline) fn of(task: &Stored, patient: Who) -> Self {
        let resource = &task.resource;
        let text = |element: &str| resource.text(element).unwrap_or_default().to_string();
        let of_owner = |part: &str| resource.get("owner").and_then(|owner| owner.pointer(part)).and_then(Value::as_str);
        Self {
            task: task.id,
            patient,
            title: concept_title(resource.get("code")).unwrap_or("A task").to_string(),
            text: text("description"),
            why: concept_title(resource.get("reasonCode")).unwrap_or_default().to_string(),
            urgency: Urgency::of(resource).code(),
            due: due_of(resource),
            status: text("status"),
            owner: of_owner("/display").or_else(|| of_owner("/identifier/value")).unwrap_or_default().to_string(),
            attempts: attempts_in(resource).map(|attempt| attempt.words.to_string()).collect(),
            happened: None,
        }
    }

    pub fn is_late(&self, now: Timestamp) -> bool {
        self.due.is_some_and(|due| due < now)
    }
}
