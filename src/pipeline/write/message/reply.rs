//! The message that answers a message (http://hl7.org/fhir/R4/messageheader-definitions.html#MessageHeader.response): which one, how it
//! went, and what there is to say. What was answered as done is kept and given again as it was.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::header::Header;
use crate::fhir::{Resource, operation_outcome, operation_outcome_in_text};
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
    let [bundle, own, details] = [(); 3].map(|()| uuid(rand::random()));
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

/// RFC 9562, version 4.
fn uuid(random: u128) -> String {
    let bits = (random & !(0xf000 << 64) & !(0xc000 << 48)) | (0x4000 << 64) | (0x8000 << 48);
    let hex = format!("{bits:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_an_answer_is_a_uuid_of_version_four() {
        assert_eq!(uuid(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
