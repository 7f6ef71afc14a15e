//! FHIR messages (http://hl7.org/fhir/R4/messaging.html): notifications of visits (Da Vinci Unsolicited Notifications 1.1.0), registrations,
//! orders, results, appointments and documents as what their sender says of a patient, and the message that answers each.
//! docs/decisions/0025 says why.

mod bundle;
mod event;
mod focus;
mod happened;
mod header;
mod known;
mod links;
mod reply;
mod shape;
mod subject;
mod told;

pub(super) use bundle::content_of;
pub(super) use header::Header;
pub(super) use reply::{reply, seen_before};
pub(super) use told::read;
