//! What comes later when two statements have the same times: clocks of whole minutes are common in feeds.

use jiff::Timestamp;

use super::{Stamp, encounter};
use crate::fhir::Resource;

/// The stamp of one resource's statement. Results are as of when they were released (`issued`, OBR-22), not of when the
/// message was made, and a correction comes after what it corrects; encounters rank by what their trigger does.
pub(super) fn stamp(resource: &Resource, message: &Stamp, trigger: &str) -> Stamp {
    let mut stamp = message.clone();
    match resource.resource_type() {
        "Observation" | "DiagnosticReport" => {
            if let Some(issued) = resource.text("issued").and_then(|text| text.parse::<Timestamp>().ok()) {
                stamp.occurred = issued;
            }
            stamp.rank = resource.text("status").map_or(0, result_rank);
        }
        "Encounter" => stamp.rank = encounter::trigger_rank(trigger),
        _ => {}
    }
    stamp
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
