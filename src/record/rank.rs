//! Which of two statements outdoes the other whatever is newer, and what comes later when both have the same times: clocks
//! of whole minutes are common in feeds.

use jiff::Timestamp;

use super::encounter::{self, only_mentions};
use super::stamp::{MENTIONED, Stamp};
use crate::fhir::Resource;

/// The trigger of a person's look at a thing: it says nothing of what happened to it, and weighs what was looked at.
pub const LOOK: &str = "look";

/// The stamp of one resource's statement. Results are as of when they were released (`issued`), not of when the message
/// was made. A preliminary result never outdoes a final one, nor that one a correction (HL7 table 0085: final results "can
/// only be changed with a corrected result"). Encounters rank by what their trigger does.
pub(super) fn stamp(resource: &Resource, message: &Stamp, trigger: &str) -> Stamp {
    if trigger == LOOK {
        return message.clone();
    }
    // How weighty the sender's word is on the patient says nothing of its own visits and results.
    let mut stamp = Stamp { weight: 0, ..message.clone() };
    match resource.resource_type() {
        "Observation" | "DiagnosticReport" => {
            // Nothing lost: what is no moment does not order statements; the message's own time does.
            if let Some(issued) = resource.text("issued").and_then(|text| text.parse::<Timestamp>().ok()) {
                stamp.occurred = issued;
            }
            stamp.rank = resource.text("status").map_or(0, result_rank);
            stamp.weight = result_weight(stamp.rank);
        }
        "Patient" | "RelatedPerson" | "Coverage" => {
            stamp.weight = if only_mentions(trigger) { MENTIONED } else { message.weight };
        }
        "Encounter" => {
            stamp.rank = encounter::trigger_rank(trigger);
            stamp.weight = if only_mentions(trigger) { MENTIONED } else { 0 };
        }
        // Nothing lost: other types have no order but time's.
        _ => {}
    }
    stamp
}

/// A stored stamp with its weight, which earlier versions did not store: of results it follows from the rank.
pub(super) fn weighed(resource_type: &str, stamp: Stamp) -> Stamp {
    match resource_type {
        "Observation" | "DiagnosticReport" => Stamp { weight: result_weight(stamp.rank), ..stamp },
        _ => stamp,
    }
}

/// The order in which a result goes through its statuses (http://hl7.org/fhir/R4/valueset-observation-status.html).
fn result_rank(status: &str) -> u8 {
    match status {
        "registered" => 1,
        "partial" => 2,
        "preliminary" => 3,
        "final" => 4,
        "appended" => 5,
        "amended" => 6,
        "corrected" => 7,
        "cancelled" => 8,
        "entered-in-error" => 9,
        _ => 0,
    }
}

/// Whether a result that stands would not give way to one of this status, whatever is newer.
pub fn is_step_back(resource_type: &str, known: &str, stated: &str) -> bool {
    matches!(resource_type, "Observation" | "DiagnosticReport")
        && result_weight(result_rank(stated)) < result_weight(result_rank(known))
}

fn result_weight(rank: u8) -> i8 {
    match rank {
        0..4 => 0,
        4 => 1,
        _ => 2,
    }
}
