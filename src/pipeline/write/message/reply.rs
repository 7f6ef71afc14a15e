//! The message that answers a message (http://hl7.org/fhir/R4/messageheader-definitions.html#MessageHeader.response): which one, how it
//! went, and what there is to say. What was answered as done is kept and given again as it was.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::header::Header;
use crate::fhir::{Resource, operation_outcome, operation_outcome_in_text, random_uuid};
use crate::pipeline::write::outcome::Done;
use crate::pipeline::write::refusal::Refusal;
use crate::problem::{Category, Problem};

/// The answer; `notes` is what there is to say of what was done.
pub(in crate::pipeline::write) fn reply(
    header: &Header,
    base_url: &str,
    (result, notes): (&Result<Vec<Done>, Refusal>, &[Problem]),
    now: Timestamp,
) -> Value {
    let (code, outcome) = match result {
        Ok(_) => ("ok", operation_outcome(notes)),
        Err(refusal) if refusal.status >= 500 => ("transient-error", operation_outcome_in_text(&refusal.problems)),
        Err(refusal) => ("fatal-error", operation_outcome_in_text(&refusal.problems)),
    };
    let [bundle, own, details] = [(); 3].map(|()| random_uuid(rand::random()));
    let response = json!({
        "identifier": header.id,
        "code": code,
        "details": { "reference": format!("urn:uuid:{details}") },
    });
    let mut answer = Resource::new("MessageHeader").with("id", json!(own));
    for (name, value) in &header.event {
        answer.set(name, value.clone());
    }
    if header.source.contains_key("endpoint") {
        answer.set("destination", json!([header.source]));
    }
    answer.set(
        "source",
        json!({ "name": "Handover", "software": "Handover", "endpoint": format!("{base_url}/fhir/$process-message") }),
    );
    answer.set("response", response);
    let entry = |id: &str, resource: Resource| json!({ "fullUrl": format!("urn:uuid:{id}"), "resource": Value::from(resource) });
    json!({
        "resourceType": "Bundle",
        "id": bundle,
        "type": "message",
        "timestamp": format!("{now:.3}"),
        "entry": [entry(&own, answer), entry(&details, outcome.with("id", json!(details)))],
    })
}

/// http://hl7.org/fhir/R4/messaging.html#reliable: another message came under this number before and was done; `earlier` is its header's id.
pub(in crate::pipeline::write) fn seen_before(header: &Header, earlier: Option<&str>) -> Refusal {
    let (place, text) = match &header.bundle_id {
        Some(_) if earlier != Some(&header.id) => (
            "Bundle.id",
            "another message came with this Bundle.id and another MessageHeader.id, and was done; give each message a Bundle.id of its own",
        ),
        Some(_) => (
            "Bundle.id",
            "this message was done with another content; what is sent again is the same, and what is changed gets a Bundle.id of its own",
        ),
        None => (
            "Bundle.entry[0].resource.id",
            "this message was done with another content, and no Bundle.id tells the two apart; give the changed one a Bundle.id, or another \
             MessageHeader.id",
        ),
    };
    Refusal::at(409, Category::Duplicate, place, text)
}
