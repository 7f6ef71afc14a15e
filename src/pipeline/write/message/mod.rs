//! FHIR messages (http://hl7.org/fhir/R4/messaging.html): notifications of admissions, transfers and discharges (Da Vinci Unsolicited
//! Notifications 1.1.0) as what their sender says of a patient, and the message that answers each. docs/decisions/0025 says why.

mod bundle;
mod event;
mod header;
mod links;
mod reply;
mod told;

pub(super) use bundle::content_of;
pub(super) use header::Header;
pub(super) use reply::{reply, seen_before};
pub(super) use told::read;
