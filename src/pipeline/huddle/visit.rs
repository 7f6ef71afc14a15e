//! An appointment of the day (http://hl7.org/fhir/R4/appointment.html) and what the visit needs: the work that is owed to this
//! patient, and the questions that a visit would ask, as a card in the practice's own system would show them.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::Who;
use crate::fhir::{Resource, concept_title};
use crate::identity::ResourceId;
use crate::protocol::{Card, Indicator, bundled};
use crate::record::Stored;

/// What takes place, or should have.
const TAKES_PLACE: [&str; 6] = ["booked", "pending", "arrived", "checked-in", "fulfilled", "waitlist"];

/// One appointment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Visit {
    pub appointment: ResourceId,
    pub at: Timestamp,
    pub patient: Who,
    /// What for: empty where nobody said.
    pub reason: String,
    /// Whom the patient sees, and where, as the appointment names them.
    pub with: Vec<String>,
    /// FHIR's code.
    pub status: String,
    /// Somewhere else: it was made for a referral.
    pub is_elsewhere: bool,
    /// What the visit needs, the most serious first.
    pub needs: Vec<Need>,
}

/// One thing that a visit needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Need {
    pub text: String,
    pub is_serious: bool,
}

impl Visit {
    /// An appointment that takes place; none for what was cancelled, missed or entered in error.
    pub(super) fn of(appointment: &Stored, at: Timestamp, patient: Who, cards: Vec<Card>) -> Option<Self> {
        let resource = &appointment.resource;
        let status = resource.text("status").unwrap_or_default();
        let has_request = resource.get("basedOn").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
        TAKES_PLACE.contains(&status).then(|| Self {
            appointment: appointment.id,
            at,
            patient,
            reason: reason(resource),
            with: with(resource),
            status: status.to_string(),
            is_elsewhere: has_request,
            needs: needs(cards),
        })
    }
}

/// A visit shows few cards, and one that counts the rest.
fn needs(cards: Vec<Card>) -> Vec<Need> {
    let need = |card: &Card| Need { text: card.summary.clone(), is_serious: card.indicator < Indicator::Info };
    bundled(cards).iter().map(need).collect()
}

fn reason(appointment: &Resource) -> String {
    let first = |element: &str| concept_title(appointment.get(element).and_then(|list| list.get(0)));
    let said = first("reasonCode").or_else(|| first("serviceType"));
    let kind = || concept_title(appointment.get("appointmentType"));
    said.or_else(|| appointment.text("description")).or_else(kind).unwrap_or_default().to_string()
}

/// Everybody and every place that is not the patient.
fn with(appointment: &Resource) -> Vec<String> {
    let parts = appointment.get("participant").and_then(Value::as_array).into_iter().flatten();
    let actors = parts.filter_map(|part| part.get("actor")).filter(|actor| {
        let reference = actor.get("reference").and_then(Value::as_str).unwrap_or_default();
        !reference.starts_with("Patient/")
    });
    actors.filter_map(|actor| actor.get("display")?.as_str().map(str::to_string)).collect()
}
