//! What happened, as the resources in which it becomes known. The end of a visit tells all of it, and nothing that is late takes it back.

use handover::fhir::Resource;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::life::{Event, Life, Measure, What};

/// A resource, and the key by which it is the same one.
pub struct Written {
    pub kind: &'static str,
    pub key: String,
    pub resource: Resource,
}

pub fn condition(code: &str) -> Written {
    let content = json!({ "code": coded("http://hl7.org/fhir/sid/icd-10-cm", code), "recordedDate": "2025-11-03" });
    written("Condition", code.to_string(), content)
}

/// `request` is how the record refers to the referral.
pub fn event(life: &Life, place: usize, event: &Event, request: &str) -> Written {
    let at = event.at.to_string();
    let based_on = json!([{ "reference": request }]);
    match &event.what {
        What::Begins { visit } => encounter(life, *visit, false),
        What::Ends { visit } | What::Seen { visit } => encounter(life, *visit, true),
        What::Measured(measure) => written("Observation", format!("reading {place}"), observation(*measure, event.at)),
        What::Referred { referral } => {
            let content = json!({ "status": "active", "intent": "order", "code": { "text": "Cardiology" }, "authoredOn": at,
                "category": [coded("http://snomed.info/sct", "3457005")], "requester": { "reference": "Practitioner/ours" } });
            written("ServiceRequest", format!("referral {referral}"), content)
        }
        What::Accepted { referral } => {
            let content = json!({ "status": "accepted", "intent": "order", "focus": { "reference": request }, "lastModified": at });
            written("Task", format!("answer {referral}"), content)
        }
        What::Booked { referral, on } | What::Kept { referral, on } => {
            let is_kept = matches!(event.what, What::Kept { .. });
            let status = if is_kept { "fulfilled" } else { "booked" };
            let end = *on + SignedDuration::from_mins(30);
            let content = json!({ "status": status, "start": on.to_string(), "end": end.to_string(), "basedOn": based_on, "created": at });
            written("Appointment", format!("appointment {referral}"), content)
        }
        What::Reported { referral } => {
            let content =
                json!({ "status": "final", "code": { "text": "Consultation" }, "basedOn": based_on, "issued": at });
            written("DiagnosticReport", format!("report {referral}"), content)
        }
    }
}

fn written(kind: &'static str, key: String, content: Value) -> Written {
    let mut resource = Resource::new(kind);
    content.as_object().unwrap().iter().for_each(|(element, value)| resource.set(element, value.clone()));
    Written { kind, key, resource }
}

fn coded(system: &str, code: &str) -> Value {
    json!({ "coding": [{ "system": system, "code": code }] })
}

fn encounter(life: &Life, place: usize, is_over: bool) -> Written {
    let visit = &life.visits[place];
    let mut period = json!({ "start": visit.start.to_string() });
    let mut content = json!({ "status": "in-progress", "class": { "code": visit.class } });
    if is_over {
        period["end"] = json!(visit.end.to_string());
        content["status"] = json!("finished");
        content["participant"] =
            json!([{ "type": [{ "coding": [{ "code": "ATND" }] }], "individual": { "display": "Dr. Lee" } }]);
        let disposition = coded("https://www.nubc.org/CodeSystem/PatDischargeStatus", visit.disposition);
        content["hospitalization"] = json!({ "dischargeDisposition": disposition });
    }
    content["period"] = period;
    written("Encounter", format!("visit {place}"), content)
}

fn observation(measure: Measure, at: Timestamp) -> Value {
    let quantity = |value: Value, unit: &str| json!({ "value": value, "unit": unit, "code": unit, "system": "http://unitsofmeasure.org" });
    let loinc = |code| coded("http://loinc.org", code);
    let mut content = json!({ "status": "final", "effectiveDateTime": at.to_string() });
    let (code, value) = match measure {
        Measure::Pressure(upper, lower) => {
            let part =
                |code, value: i64| json!({ "code": loinc(code), "valueQuantity": quantity(json!(value), "mm[Hg]") });
            content["component"] = json!([part("8480-6", upper), part("8462-4", lower)]);
            ("85354-9", None)
        }
        Measure::Saturation(value) => ("59408-5", Some(quantity(json!(value), "%"))),
        Measure::Glucose(value) => ("2339-0", Some(quantity(json!(value), "mg/dL"))),
        Measure::Weight(value) => ("29463-7", Some(quantity(json!(value), "[lb_av]"))),
    };
    content["code"] = loinc(code);
    if let Some(value) = value {
        content["valueQuantity"] = value;
    }
    content
}
