//! The steps of a story that tell of referrals: what was asked for, what the other side answered, appointments and reports.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::concept::concept;
use super::moment::moment;
use super::scene::Scene;
use crate::identity::ResourceId;
use crate::yaml::Fields;

const REQUEST: &str = "referral";
const REFERRER: &str = "Practitioner/the-one-who-referred";

/// One statement about the newest referral, or a new one.
pub fn tell(scene: &mut Scene<'_>, (kind, own): (&str, &str), known: Timestamp, fields: &mut Fields<'_>) {
    // What was written long before it became known.
    let at = fields.text("written").as_deref().and_then(moment).unwrap_or(known);
    if kind == REQUEST {
        return request(scene, own, at, fields);
    }
    let newest = scene.read("Basic", REQUEST).and_then(|note| note.text("key").map(str::to_string));
    let Some(key) = newest else {
        return scene.failures.push(format!("{kind}: nobody was referred yet"));
    };
    let id = ResourceId::of(scene.record.head.person, "ServiceRequest", &key);
    let based_on = json!([{ "reference": format!("ServiceRequest/{id}") }]);
    match kind {
        "referral-answer" => {
            let reason = fields.text("reason").map(|text| json!({ "text": text }));
            let content = json!({ "status": own, "intent": "order", "focus": based_on.get(0), "statusReason": reason, "lastModified": at.to_string() });
            scene.put("Task", &format!("{key} task"), content);
        }
        "appointment" => appointment(scene, (&key, own), based_on, at, fields),
        _ => {
            let author = (fields.text("by").as_deref() == Some("referrer")).then(|| json!([{ "reference": REFERRER }]));
            let content = json!({ "status": "final", "code": { "text": own }, "basedOn": based_on, "performer": author, "issued": at.to_string() });
            let report = scene.next_key("report");
            scene.put("DiagnosticReport", &report, content);
        }
    }
}

/// `referral: Cardiology` is one by its category; `referral: snomed 103696004` by its code.
fn request(scene: &mut Scene<'_>, own: &str, at: Timestamp, fields: &mut Fields<'_>) {
    let key = scene.next_key(REQUEST);
    scene.put("Basic", REQUEST, json!({ "key": key }));
    let is_coded = own.split_once(' ').is_some_and(|(system, _)| crate::fhir::code_system(system).is_some());
    let (code, category) = if is_coded {
        (concept(own, "snomed"), Value::Null)
    } else {
        (json!({ "text": own }), json!([concept("3457005", "snomed")]))
    };
    let to = fields.text("to").map(|name| json!([{ "display": name }]));
    let status = fields.text("status").unwrap_or_else(|| "active".to_string());
    let content = json!({ "status": status, "intent": "order", "code": code, "category": category, "performer": to,
        "requester": { "reference": REFERRER }, "authoredOn": at.to_string() });
    scene.put("ServiceRequest", &key, content);
}

/// `appointment: TIME` books one; with a `status` it changes the newest.
fn appointment(
    scene: &mut Scene<'_>,
    (request, own): (&str, &str),
    based_on: Value,
    at: Timestamp,
    fields: &mut Fields<'_>,
) {
    let note = format!("{request} appointment");
    let status = fields.text("status").unwrap_or_else(|| "booked".to_string());
    let known = scene.read("Basic", &note).and_then(|note| note.text("key").map(str::to_string));
    let key = match known.filter(|_| status != "booked") {
        Some(key) => key,
        None => scene.next_key("appointment"),
    };
    scene.put("Basic", &note, json!({ "key": key }));
    let former = scene.read("Appointment", &key);
    let created = former.as_ref().and_then(|former| former.text("created")).map_or(at.to_string(), str::to_string);
    let Some(start) = moment(own) else {
        return scene.failures.push(format!("appointment: `{own}` is no time like 2026-03-02T10:00"));
    };
    let content = json!({ "status": status, "start": start.to_string(), "created": created, "basedOn": based_on });
    scene.put("Appointment", &key, content);
}
