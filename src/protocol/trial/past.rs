//! When each thing of a record became known, and how it stood at an earlier moment: by its own times, so that what was imported in one
//! night is not taken for one night's events. What has no time of its own is known since the first statement of it.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::fhir::Resource;
use crate::fhir::time::PartialDateTime;
use crate::record::{Stored, as_of, turns_of};

/// The elements that say since when a thing is known, the best first; a dot leads into a period.
const KNOWN_BY: [(&str, &[&str]); 16] = [
    ("Appointment", &["created"]),
    ("Condition", &["recordedDate"]),
    ("Consent", &["dateTime"]),
    ("DiagnosticReport", &["issued", "effectiveDateTime", "effectivePeriod.end"]),
    ("DocumentReference", &["date"]),
    ("EpisodeOfCare", &["period.start"]),
    ("Goal", &["startDate"]),
    ("Immunization", &["occurrenceDateTime"]),
    ("MedicationRequest", &["authoredOn"]),
    ("MedicationStatement", &["effectivePeriod.start", "effectiveDateTime", "dateAsserted"]),
    (
        "Observation",
        &["effectivePeriod.end", "effectivePeriod.start", "effectiveDateTime", "effectiveInstant", "issued"],
    ),
    ("Procedure", &["performedPeriod.end", "performedDateTime"]),
    ("QuestionnaireResponse", &["authored"]),
    ("ServiceRequest", &["authoredOn"]),
    ("Task", &["authoredOn"]),
    ("Encounter", &["period.start"]),
];

/// Places and people are no events.
const ALWAYS: [&str; 9] = [
    "Coverage",
    "Device",
    "Group",
    "Location",
    "Organization",
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "RelatedPerson",
];

/// One thing of a record, with the moments at which it became what it is.
pub struct Past<'a> {
    stored: &'a Stored,
    /// In order.
    pub turns: Vec<Timestamp>,
}

impl<'a> Past<'a> {
    pub fn of(stored: &'a Stored, zone: &TimeZone) -> Self {
        let resource = &stored.resource;
        let kind = resource.resource_type();
        let mut turns = match kind {
            "Encounter" => turns_of(stored),
            _ => Vec::new(),
        };
        if turns.is_empty() {
            turns.push(known_at(stored, zone).unwrap_or(Timestamp::MIN));
            turns.extend(later_turn(stored, zone));
            turns.sort_unstable();
            turns.dedup();
        }
        Self { stored, turns }
    }

    /// How it stood; none before it was known. Each turn is a version of its own.
    pub fn at(&self, moment: Timestamp, zone: &TimeZone) -> Option<Stored> {
        let passed = self.turns.partition_point(|turn| *turn <= moment);
        let last = *self.turns.get(passed.checked_sub(1)?)?;
        let mut stood = match as_of(self.stored, moment) {
            Some(stood) => stood,
            None if self.stored.state.transitions.is_empty() => self.stored.clone(),
            None => return None,
        };
        if passed < self.turns.len() && self.stored.state.transitions.is_empty() {
            take_back(&mut stood.resource);
        }
        if let Some(of) = death(&stood.resource, zone)
            && of > moment
        {
            stood.resource.set("deceasedDateTime", Value::Null);
        }
        stood.version = passed as u64;
        stood.updated = last;
        Some(stood)
    }
}

fn known_at(stored: &Stored, zone: &TimeZone) -> Option<Timestamp> {
    let kind = stored.resource.resource_type();
    if ALWAYS.contains(&kind) {
        return None;
    }
    let elements = KNOWN_BY.iter().find(|(known, _)| *known == kind).map(|(_, elements)| *elements).unwrap_or_default();
    let stated = elements.iter().find_map(|path| moment(&stored.resource, path, zone));
    let told = || stored.state.stamps.values().map(|stamp| stamp.occurred).min();
    Some(stated.or_else(told).unwrap_or(stored.updated))
}

/// When it became what it is now, where it was something else before.
fn later_turn(stored: &Stored, zone: &TimeZone) -> Option<Timestamp> {
    let path = match stored.resource.resource_type() {
        "Encounter" | "EpisodeOfCare" => "period.end",
        "Patient" => "deceasedDateTime",
        "Appointment" if !is_off(&stored.resource) => "start",
        "Task" => "lastModified",
        _ => return None,
    };
    moment(&stored.resource, path, zone)
}

fn is_off(appointment: &Resource) -> bool {
    matches!(appointment.text("status"), Some("cancelled" | "entered-in-error" | "booked" | "proposed" | "pending"))
}

fn death(resource: &Resource, zone: &TimeZone) -> Option<Timestamp> {
    moment(resource, "deceasedDateTime", zone)
}

/// Before its last turn.
fn take_back(resource: &mut Resource) {
    let status = match resource.resource_type() {
        "Encounter" => "in-progress",
        "EpisodeOfCare" => "active",
        "Appointment" => "booked",
        "Task" => "requested",
        _ => return,
    };
    resource.set("status", json!(status));
    for (holder, element) in [("period", "end"), ("hospitalization", "dischargeDisposition")] {
        if let Some(holder) = resource.as_map_mut().get_mut(holder).and_then(Value::as_object_mut) {
            holder.remove(element);
        }
    }
}

fn moment(resource: &Resource, path: &str, zone: &TimeZone) -> Option<Timestamp> {
    let text = match path.split_once('.') {
        Some((holder, element)) => Cow::Borrowed(resource.get(holder)?.get(element)?.as_str()?),
        None => Cow::Borrowed(resource.text(path)?),
    };
    PartialDateTime::parse(&text)?.range(zone).map(|(start, _)| start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::Identifier;
    use crate::identity::{PersonId, ResourceId};
    use crate::record::State;

    fn stored(content: &Value) -> Stored {
        let person = PersonId::of(&Identifier::new("urn:test:mrn", "12"));
        let mut resource = Resource::new(content["resourceType"].as_str().unwrap());
        content.as_object().unwrap().iter().for_each(|(element, value)| resource.set(element, value.clone()));
        let updated = "2026-09-30T00:00:00Z".parse().unwrap();
        let id = ResourceId::of(person, resource.resource_type(), "x");
        Stored { id, version: 1, updated, resource, state: State::default() }
    }

    #[test]
    fn each_thing_is_what_it_was_then() {
        let zone = TimeZone::get("America/Chicago").unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let cases = [
            // What, when, its status then.
            (
                json!({ "resourceType": "Encounter", "status": "finished",
                "period": { "start": "2026-08-03T09:00:00-05:00", "end": "2026-08-05T10:00:00-05:00" } }),
                [None, Some("in-progress"), Some("finished")],
            ),
            (
                json!({ "resourceType": "EpisodeOfCare", "status": "finished", "period": { "start": "2026-08-03", "end": "2026-08-05" } }),
                [None, Some("active"), Some("finished")],
            ),
            (
                json!({ "resourceType": "Task", "status": "rejected", "authoredOn": "2026-08-03T00:00:00Z",
                "lastModified": "2026-08-05T18:00:00Z" }),
                [None, Some("requested"), Some("rejected")],
            ),
            (
                json!({ "resourceType": "Appointment", "status": "noshow", "created": "2026-08-03T00:00:00Z",
                "start": "2026-08-05T18:00:00Z" }),
                [None, Some("booked"), Some("noshow")],
            ),
            (
                json!({ "resourceType": "Observation", "status": "final", "effectiveDateTime": "2026-08-05" }),
                [None, None, Some("final")],
            ),
            // Nothing says since when: it is known since it was written.
            (json!({ "resourceType": "Basic", "status": "x" }), [None, None, None]),
        ];
        let moments = ["2026-08-02T12:00:00Z", "2026-08-04T12:00:00Z", "2026-08-06T12:00:00Z"].map(at);
        for (content, expected) in cases {
            let stored = stored(&content);
            let past = Past::of(&stored, &zone);
            let stood = moments.map(|moment| past.at(moment, &zone));
            let told = stood.each_ref().map(|one| one.as_ref().and_then(|one| one.resource.text("status")));
            assert_eq!(told, expected, "{content}");
            assert!(stood.iter().flatten().all(|one| one.version <= 2), "{content}");
        }
    }

    #[test]
    fn nobody_has_died_before_they_died() {
        let patient = stored(&json!({ "resourceType": "Patient", "deceasedDateTime": "2026-08-05T10:00:00Z" }));
        let past = Past::of(&patient, &TimeZone::UTC);
        let died = |text: &str| {
            past.at(text.parse().unwrap(), &TimeZone::UTC).unwrap().resource.get("deceasedDateTime").is_some()
        };
        assert_eq!(["2026-01-01T00:00:00Z", "2026-08-05T10:00:00Z"].map(died), [false, true]);
    }
}
