//! Encounters (http://hl7.org/fhir/R4/encounter.html) as a state machine over what happened to them, sorted by time:
//! the status never depends on the order in which messages arrived.

mod course;
mod trigger;
mod write;

pub(super) use course::project;
pub(super) use trigger::{MAX_TRANSITIONS, keep_newest, transition, trigger_rank};
