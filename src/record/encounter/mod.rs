//! Encounters (http://hl7.org/fhir/R4/encounter.html) as a state machine over what happened to them, sorted by time:
//! the status never depends on the order in which messages arrived.

mod course;
mod instant;
mod places;
mod trigger;
mod write;

pub(super) use course::project;
pub(super) use trigger::{
    COMPUTED, COMPUTED_PARTS, MAX_TRANSITIONS, PLACE, is_event, keep_newest, only_mentions, too_many, transition,
    trigger_rank,
};
