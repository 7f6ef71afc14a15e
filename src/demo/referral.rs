//! A referral as the practice's EHR tells of it, from the request to the report of whom it was sent to
//! (http://hl7.org/fhir/R4/servicerequest.html, task.html, appointment.html, diagnosticreport.html).

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Whose numbers the practice's roster has.
const MEMBERS: &str = "https://lakeside-practice.example/member";

/// What somebody is referred for, and to whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Referral {
    pub member: &'static str,
    pub what: &'static str,
    pub to: &'static str,
}

/// What is told of it; `request` is its place at the gateway (`ServiceRequest/…`), `at` when it was so.
impl Referral {
    pub fn request(self, at: Timestamp) -> Value {
        json!({ "resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": patient(self.member),
            "category": [{ "coding": [{ "system": "http://snomed.info/sct", "code": "3457005", "display": "Patient referral" }] }],
            "code": { "text": self.what }, "authoredOn": at.to_string(),
            "requester": { "display": "Lakeside Family Practice" }, "performer": [{ "display": self.to }] })
    }

    /// What whom it was sent to says of it: `accepted`, `completed`.
    pub fn answer(self, request: &str, status: &str, at: Timestamp) -> Value {
        let fulfil = json!({ "system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill" });
        json!({ "resourceType": "Task", "status": status, "intent": "order", "for": patient(self.member),
            "code": { "coding": [fulfil], "text": self.what }, "focus": { "reference": request },
            "owner": { "display": self.to }, "lastModified": at.to_string() })
    }

    /// `booked` or `fulfilled`.
    pub fn appointment(self, request: &str, status: &str, made: Timestamp, start: Timestamp) -> Value {
        let end = start.saturating_add(SignedDuration::from_mins(40)).unwrap_or(start);
        json!({ "resourceType": "Appointment", "status": status, "basedOn": [{ "reference": request }],
            "created": made.to_string(), "start": start.to_string(), "end": end.to_string(),
            "description": self.what,
            "participant": [{ "actor": patient(self.member), "status": "accepted" },
                { "actor": { "display": self.to }, "status": "accepted" }] })
    }

    pub fn report(self, request: &str, said: &str, at: Timestamp) -> Value {
        json!({ "resourceType": "DiagnosticReport", "status": "final", "subject": patient(self.member),
            "code": { "text": format!("{}: report", self.what) }, "basedOn": [{ "reference": request }],
            "issued": at.to_string(), "performer": [{ "display": self.to }], "conclusion": said })
    }
}

/// By the practice's own number.
pub(super) fn patient(member: &str) -> Value {
    json!({ "identifier": { "system": MEMBERS, "value": member } })
}
