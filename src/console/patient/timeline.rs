//! What happened with the patient, newest first: visits, alerts, attempts, answers, documents, goals, programmes. All of it is sorted before
//! the list is cut, and what is not shown is counted.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::fhir::{items, list, moment, text, title};
use crate::console::when;
use crate::fhir::concept_title;
use crate::protocol::{Looked, Visited, attempts_in};
use crate::record::{Record, Stored};

/// Events at first, and how many more each time.
pub(super) const FIRST: usize = 7;
pub(super) const MORE: usize = 50;

/// One event.
pub(crate) struct Event {
    at: Timestamp,
    pub when: String,
    pub what: String,
    pub detail: String,
    pub href: String,
}

pub(super) fn timeline(record: &Record, looked: &Looked, now: Timestamp, zone: &TimeZone) -> Vec<Event> {
    let mut events = Vec::new();
    let mut add = |at: Timestamp, what: String, detail: String, href: String| {
        events.push(Event { at, when: when::moment(at, now, zone), what, detail, href });
    };
    for visit in &looked.visits {
        visited(visit, &mut add);
    }
    for alert in &looked.alerts {
        add(alert.at, "Alert".to_string(), alert.words.clone(), format!("/console/resources/Task/{}", alert.task));
    }
    for given in &looked.answered {
        let by = given.by.strip_prefix("console:").or_else(|| given.by.strip_prefix("person:")).unwrap_or(&given.by);
        add(given.at, format!("{}: {}", given.ask, given.answer), by.to_string(), String::new());
    }
    for stored in record.of_type("Task").filter(|one| one.state.superseded.is_none()) {
        task(stored, &mut add);
    }
    for kind in ["DocumentReference", "EpisodeOfCare", "Goal", "Appointment"] {
        for stored in record.of_type(kind).filter(|one| one.state.superseded.is_none()) {
            if let Some((at, what, detail)) = thing(stored, zone) {
                add(at, what, detail, format!("/console/resources/{kind}/{}", stored.id));
            }
        }
    }
    events.sort_by(|one, other| (other.at, &other.what).cmp(&(one.at, &one.what)));
    events
}

fn visited(visit: &Visited, add: &mut impl FnMut(Timestamp, String, String, String)) {
    let href = || format!("/console/resources/Encounter/{}", visit.id);
    if let Some(start) = visit.start {
        add(start, format!("{} at {} began", visit.words, visit.place), visit.reason.clone(), href());
    }
    if let Some(end) = visit.end.filter(|end| Some(*end) != visit.start) {
        let ended = if visit.ended.is_empty() { String::new() } else { format!("ended as: {}", visit.ended) };
        add(end, format!("{} at {} ended", visit.words, visit.place), ended, href());
    }
}

/// Attempts to reach the patient, and how a Task ended.
fn task(stored: &Stored, add: &mut impl FnMut(Timestamp, String, String, String)) {
    let task = Value::from(stored.resource.clone());
    let name = concept_title(task.get("code")).unwrap_or("Task").to_string();
    let href = || format!("/console/resources/Task/{}", stored.id);
    for attempt in attempts_in(&stored.resource) {
        // Nothing lost: an attempt without a time stands with its Task.
        let Ok(at) = attempt.at.parse() else { continue };
        let note = list(&task, "note").find(|note| text(note, "time") == attempt.at);
        let who = note.map(|note| format!("{}: {}", text(note, "authorString"), text(note, "text")));
        add(at, format!("{name}: {}", attempt.words), who.unwrap_or_default(), href());
    }
    let status = text(&task, "status");
    let ended = task.pointer("/executionPeriod/end").and_then(Value::as_str).and_then(|end| end.parse().ok());
    if let (Some(end), "completed" | "cancelled" | "failed" | "rejected") = (ended, status.as_str()) {
        let outcome = list(&task, "output").map(|output| text(output, "valueString")).find(|text| !text.is_empty());
        let reason = task.pointer("/statusReason/text").and_then(Value::as_str).map(str::to_string);
        add(end, format!("{name}: {status}"), outcome.or(reason).unwrap_or_default(), href());
    }
}

fn thing(stored: &Stored, zone: &TimeZone) -> Option<(Timestamp, String, String)> {
    let resource = &stored.resource;
    let of = |element: &str| resource.text(element).and_then(|text| moment(text, zone));
    let status = resource.text("status").unwrap_or_default();
    match resource.resource_type() {
        "DocumentReference" if status == "current" => {
            let what = resource.text("description").map(str::to_string).unwrap_or_else(|| title(resource.get("type")));
            let author = items(resource, "author").next().map(|author| text(author, "display")).unwrap_or_default();
            Some((of("date").unwrap_or(stored.updated), format!("Document: {what}"), author))
        }
        "EpisodeOfCare" => {
            let start = moment(resource.get("period")?.get("start")?.as_str()?, zone)?;
            let types: Vec<String> = items(resource, "type").map(|one| title(Some(one))).collect();
            Some((start, format!("Programme: {}", types.join(", ")), format!("now {status}")))
        }
        "Goal" if resource.text("lifecycleStatus") != Some("entered-in-error") => {
            let words = resource.get("description").map(|one| text(one, "text")).unwrap_or_default();
            Some((of("statusDate").or_else(|| of("startDate"))?, "Goal".to_string(), words))
        }
        "Appointment" if !matches!(status, "entered-in-error" | "proposed") => {
            let with: Vec<String> =
                items(resource, "participant").filter_map(|one| Some(text(one.get("actor")?, "display"))).collect();
            let with: Vec<String> = with.into_iter().filter(|name| !name.is_empty()).collect();
            Some((of("start")?, format!("Appointment, {status}"), with.join(", ")))
        }
        _ => None,
    }
}
