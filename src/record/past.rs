//! An encounter as it stood at an earlier moment, by what had happened to it until then. For whoever asks what would have been;
//! never for what is.

use jiff::Timestamp;
use serde_json::Value;

use super::encounter::{is_event, project};
use super::{Stored, Transition};

/// When the course of an encounter went on, in order; empty where nobody told a course.
pub fn turns_of(encounter: &Stored) -> Vec<Timestamp> {
    let mut turns: Vec<Timestamp> = encounter.state.transitions.iter().map(turn).collect();
    turns.sort_unstable();
    turns.dedup();
    turns
}

/// The encounter by what had happened until a moment; none before anything had.
pub fn as_of(encounter: &Stored, at: Timestamp) -> Option<Stored> {
    let transitions: Vec<Transition> =
        encounter.state.transitions.iter().filter(|transition| turn(transition) <= at).cloned().collect();
    if transitions.is_empty() {
        return None;
    }
    let mut past = encounter.clone();
    let course = project(&transitions);
    course.write(&mut past.resource);
    if !course.is_said_to_end()
        && let Some(hospitalization) =
            past.resource.as_map_mut().get_mut("hospitalization").and_then(Value::as_object_mut)
    {
        hospitalization.remove("dischargeDisposition");
    }
    past.state.transitions = transitions;
    Some(past)
}

/// A message tells of what happens when it happens. Who writes FHIR may tell of a visit long after it, and then its own times count.
fn turn(transition: &Transition) -> Timestamp {
    let occurred = transition.stamp.occurred;
    if is_event(&transition.trigger) || transition.status.is_none() {
        return occurred;
    }
    let is_over = transition.status.as_deref() == Some("finished");
    let stated =
        if is_over { transition.end.as_ref().or(transition.start.as_ref()) } else { transition.start.as_ref() };
    // Nothing lost: a date without a time is no moment, and the time of the statement stands.
    let stated = stated.and_then(|text| text.parse::<Timestamp>().ok());
    stated.map_or(occurred, |stated| stated.min(occurred))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::fhir::{Identifier, Resource};
    use crate::identity::{PersonId, ResourceId};
    use crate::record::{Stamp, State, Told};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn happened(trigger: &str, when: &str) -> Transition {
        Transition {
            stamp: Stamp::new(at(when), at(when), Arc::from("ward/1")),
            trigger: trigger.to_string(),
            class: None,
            status: None,
            start: None,
            end: None,
            place: None,
            prior_place: None,
            disposition: None,
            deleted: Vec::new(),
        }
    }

    fn visit(transitions: Vec<Transition>) -> Stored {
        let person = PersonId::of(&Identifier::new("urn:test:mrn", "88"));
        let disposition = json!({ "dischargeDisposition": { "text": "home" }, "admitSource": { "text": "other" } });
        let resource =
            Resource::new("Encounter").with("status", json!("finished")).with("hospitalization", disposition);
        let state = State { transitions, ..State::default() };
        let id = ResourceId::of(person, "Encounter", "V9");
        Stored { id, version: 3, updated: at("2026-05-04T12:00:00Z"), resource, state }
    }

    #[test]
    fn a_stay_is_what_had_happened_to_it_by_then() {
        let mut arrival = happened("A04", "2026-05-01T07:10:00Z");
        arrival.class = Some("EMER".to_string());
        let mut admission = happened("A06", "2026-05-01T11:00:00Z");
        admission.class = Some("IMP".to_string());
        let mut discharge = happened("A03", "2026-05-03T15:30:00Z");
        discharge.disposition = Some(Told(json!({ "text": "home" })));
        let stay = visit(vec![arrival, admission, discharge]);
        assert_eq!(turns_of(&stay).len(), 3);
        assert!(as_of(&stay, at("2026-05-01T07:00:00Z")).is_none());
        let told = |when: &str| {
            let past = as_of(&stay, at(when)).unwrap();
            let class = past.resource.get("class").unwrap()["code"].as_str().unwrap().to_string();
            let end = past.resource.get("hospitalization").unwrap().get("dischargeDisposition").is_some();
            (past.resource.text("status").unwrap().to_string(), class, end)
        };
        assert_eq!(told("2026-05-01T08:00:00Z"), ("in-progress".to_string(), "EMER".to_string(), false));
        assert_eq!(told("2026-05-02T08:00:00Z"), ("in-progress".to_string(), "IMP".to_string(), false));
        assert_eq!(told("2026-05-03T15:30:00Z"), ("finished".to_string(), "IMP".to_string(), true));
    }

    #[test]
    fn a_visit_that_was_written_after_it_had_ended_ended_when_it_says() {
        let mut written = happened("update", "2026-06-30T00:00:00Z");
        written.status = Some("finished".to_string());
        written.start = Some("2026-05-01T09:00:00Z".to_string());
        written.end = Some("2026-05-01T09:40:00+02:00".to_string());
        assert_eq!(turns_of(&visit(vec![written])), [at("2026-05-01T07:40:00Z")]);
    }
}
