//! Referrals and how far each has come (http://hl7.org/fhir/R4/servicerequest.html, task.html, appointment.html; CMS50 "closing
//! the referral loop"; Gravity SDOH Clinical Care statuses): requested, accepted or rejected, scheduled, missed, seen, reported.
//! A visit or a status of "completed" closes nothing: only a report of the one referred to does, and who reviews it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::codes::Codes;
use super::facts::Facts;
use super::referral::Referral;
use super::sources;
use super::stage::Stage;
use super::visit::concept_words;
use crate::record::Stored;

/// What asks somebody else to see a patient, and is no order for a test.
const REFERRALS: &str = "referral";

/// A stage, with what says so.
type Reached<'a> = (Stage, Timestamp, String, &'a Stored);

/// All referrals of a record that are still going on, in order of id.
pub fn referrals(facts: &Facts<'_>) -> Vec<Referral> {
    let linked = linked(facts);
    let requests = facts.record.of_type("ServiceRequest").filter(|stored| {
        let is_dead = matches!(stored.resource.text("status"), Some("draft" | "revoked" | "entered-in-error"));
        stored.state.superseded.is_none() && !is_dead
    });
    let none = Vec::new();
    let of_request = |request: &Stored| {
        let own = linked.get(&request.id.to_string()).unwrap_or(&none);
        is_referral(facts, request, own).then(|| referral(facts, request, own))
    };
    requests.filter_map(of_request).collect()
}

/// Whether it is for what a rule asks about; all are where the rule names no codes.
pub fn is_of(facts: &Facts<'_>, referral: &Referral, codes: Option<&Codes>) -> bool {
    codes.is_none_or(|codes| {
        let request = facts.record.get("ServiceRequest", referral.request);
        request.is_some_and(|request| facts.has_code(codes, &request.resource.codings("code")))
    })
}

/// What names a ServiceRequest as what it was done for, by the request's id.
fn linked<'a>(facts: &Facts<'a>) -> BTreeMap<String, Vec<&'a Stored>> {
    let mut linked: BTreeMap<String, Vec<&Stored>> = BTreeMap::new();
    for kind in ["Task", "Appointment", "Encounter", "Procedure", "DiagnosticReport", "DocumentReference"] {
        for stored in facts.record.of_type(kind) {
            let is_ours = stored.state.work.is_some();
            let is_error = stored.resource.text("status") == Some("entered-in-error");
            if is_ours || is_error || stored.state.superseded.is_some() {
                // Nothing lost: work about a referral does not move it on, nor does what never was.
                continue;
            }
            for id in requests_of(&stored.resource) {
                linked.entry(id.to_string()).or_default().push(stored);
            }
        }
    }
    linked
}

fn requests_of(resource: &crate::fhir::Resource) -> Vec<&str> {
    let places = [
        resource.get("basedOn"),
        resource.get("focus"),
        resource.get("context").and_then(|context| context.get("related")),
    ];
    let references = places.into_iter().flatten().flat_map(|value| match value {
        Value::Array(items) => items.iter().collect::<Vec<_>>(),
        one => vec![one],
    });
    references.filter_map(|one| one.get("reference")?.as_str()?.strip_prefix("ServiceRequest/")).collect()
}

/// By its code or category, or because somebody was given a Task to fulfil it.
fn is_referral(facts: &Facts<'_>, request: &Stored, linked: &[&Stored]) -> bool {
    let codings = |element: &str| request.resource.codings(element);
    facts.value_sets.contains_any(REFERRALS, &codings("code"))
        || facts.value_sets.contains_any(REFERRALS, &codings("category"))
        || linked.iter().any(|stored| stored.resource.resource_type() == "Task")
}

fn referral(facts: &Facts<'_>, request: &Stored, linked: &[&Stored]) -> Referral {
    let requested = moment(facts, request, &["authoredOn"]);
    let reported = || linked.iter().filter_map(|one| report(facts, request, one)).min_by_key(|reached| reached.1);
    let seen = || linked.iter().filter_map(|one| seen(facts, one)).min_by_key(|reached| reached.1);
    let booked = || linked.iter().filter_map(|one| appointment(facts, one)).max_by_key(|(made, _)| *made);
    let answered = || linked.iter().filter_map(|one| answer(facts, one)).max_by_key(|reached| reached.1);
    let reached = reported().or_else(seen).or_else(|| {
        let answered = answered();
        match answered {
            Some((Stage::Rejected, ..)) => answered,
            _ => booked().map(|(_, reached)| reached).or(answered),
        }
    });
    let completed = || {
        let is_completed = request.resource.text("status") == Some("completed");
        let said = "the request says completed".to_string();
        is_completed.then(|| (Stage::Seen, moment(facts, request, &[]), said, request))
    };
    let (stage, since, said, by) =
        reached.or_else(completed).unwrap_or((Stage::Requested, requested, String::new(), request));
    let told = sources::of([request, by]);
    let by = (by.id != request.id).then_some(by.id);
    Referral { request: request.id, what: what(request), to: to(request), stage, since, said, by, told }
}

/// A report of the one referred to; what the one who referred wrote about it is none.
fn report<'a>(facts: &Facts<'a>, request: &Stored, stored: &'a Stored) -> Option<Reached<'a>> {
    let resource = &stored.resource;
    let (is_final, authors) = match resource.resource_type() {
        "DiagnosticReport" => {
            let status = resource.text("status").unwrap_or_default();
            (matches!(status, "final" | "amended" | "corrected" | "appended"), ["performer", "resultsInterpreter"])
        }
        "DocumentReference" => (resource.text("status") == Some("current"), ["author", "authenticator"]),
        _ => return None,
    };
    let requester = request.resource.reference("requester");
    let items = authors.into_iter().filter_map(|element| resource.get(element)).flat_map(|value| match value {
        Value::Array(items) => items.iter().collect::<Vec<_>>(),
        one => vec![one],
    });
    let mut named = items.filter_map(|one| one.get("reference")?.as_str()).peekable();
    let is_own = named.peek().is_some() && requester.is_some() && named.all(|author| Some(author) == requester);
    let at = moment(facts, stored, &["issued", "date", "effectiveDateTime"]);
    let said = concept_words(resource.get("code").or(resource.get("type"))).unwrap_or("report").to_string();
    (is_final && !is_own).then_some((Stage::Reported, at, said, stored))
}

/// Somebody saw the patient, or says that it is done.
fn seen<'a>(facts: &Facts<'a>, stored: &'a Stored) -> Option<Reached<'a>> {
    let resource = &stored.resource;
    let status = resource.text("status").unwrap_or_default();
    let (is_seen, said) = match resource.resource_type() {
        "Encounter" => (status == "finished", "the visit has ended"),
        "Procedure" => (status == "completed", "it was done"),
        "Appointment" => (status == "fulfilled", "the appointment was kept"),
        "Task" => (status == "completed", "they say that it is completed"),
        _ => return None,
    };
    let ended = resource.get("period").and_then(|period| facts.moment(period.get("end")?.as_str()?));
    let at = ended.unwrap_or_else(|| moment(facts, stored, &["performedDateTime", "start", "lastModified"]));
    is_seen.then(|| (Stage::Seen, at, said.to_string(), stored))
}

/// An appointment, with when it was made.
fn appointment<'a>(facts: &Facts<'a>, stored: &'a Stored) -> Option<(Timestamp, Reached<'a>)> {
    let resource = &stored.resource;
    if resource.resource_type() != "Appointment" {
        return None;
    }
    let made = moment(facts, stored, &["created"]);
    let start = resource.text("start").and_then(|text| facts.moment(text));
    let reason = concept_words(resource.get("cancelationReason")).unwrap_or_default();
    match resource.text("status").unwrap_or_default() {
        "booked" | "arrived" | "checked-in" => {
            let at = start.unwrap_or(made);
            Some((made, (Stage::Scheduled, at, facts.say(at), stored)))
        }
        "noshow" => Some((made, (Stage::Missed, start.unwrap_or(made), "did not come".to_string(), stored))),
        "cancelled" => {
            let said = format!("the appointment was cancelled {reason}");
            Some((made, (Stage::Missed, moment(facts, stored, &[]), said.trim_end().to_string(), stored)))
        }
        _ => None,
    }
}

/// What the one referred to answered.
fn answer<'a>(facts: &Facts<'a>, stored: &'a Stored) -> Option<Reached<'a>> {
    let resource = &stored.resource;
    if resource.resource_type() != "Task" {
        return None;
    }
    let at = moment(facts, stored, &["lastModified"]);
    let reason = concept_words(resource.get("statusReason")).unwrap_or("no reason stated").to_string();
    match resource.text("status").unwrap_or_default() {
        "rejected" | "failed" | "cancelled" => Some((Stage::Rejected, at, reason, stored)),
        "accepted" | "in-progress" | "on-hold" | "ready" => Some((Stage::Accepted, at, String::new(), stored)),
        _ => None,
    }
}

/// The first of these elements that says when; else when it became known.
fn moment(facts: &Facts<'_>, stored: &Stored, elements: &[&str]) -> Timestamp {
    let stated = elements.iter().find_map(|element| facts.moment(stored.resource.text(element)?));
    stated.unwrap_or(stored.updated)
}

/// What it is for.
fn what(request: &Stored) -> String {
    let resource = &request.resource;
    let of_code = concept_words(resource.get("code"));
    of_code.or_else(|| resource.codings("code").first().map(|(_, code)| *code)).unwrap_or("referral").to_string()
}

/// Whom it was sent to.
fn to(request: &Stored) -> String {
    let performer = request.resource.get("performer").and_then(|list| list.get(0));
    let named = |reference: &Value| Some(reference.get("display")?.as_str()?.to_string());
    let of_kind = || concept_words(request.resource.get("performerType")).map(str::to_string);
    performer.and_then(named).or_else(of_kind).unwrap_or_else(|| "whom it was sent to".to_string())
}
