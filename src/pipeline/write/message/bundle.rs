//! The Bundle in what was posted (http://hl7.org/fhir/R4/messageheader-operation-process-message.html): by itself, or as `content` of
//! Parameters; and what of it makes two bodies one message.

use std::borrow::Cow;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::pipeline::write::refusal::Refusal;
use crate::problem::Category;

/// The message in a body. Nothing is answered later or elsewhere: the answer is in the response.
pub(super) fn bundle_of(body: &Value) -> Result<&Value, Refusal> {
    match body.get("resourceType").and_then(Value::as_str) {
        Some("Bundle") => Ok(body),
        Some("Parameters") => of_parameters(body),
        _ => {
            let text =
                "what is posted to $process-message is a Bundle of type message, or Parameters with it as `content`";
            Err(Refusal::at(400, Category::Structure, "resourceType", text))
        }
    }
}

fn of_parameters(body: &Value) -> Result<&Value, Refusal> {
    let items = body.get("parameter").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut content = None;
    for (place, item) in items.iter().enumerate() {
        let at = format!("Parameters.parameter[{place}]");
        match item.get("name").and_then(Value::as_str) {
            Some("content") if content.is_none() => content = item.get("resource"),
            Some("async") if item.get("valueBoolean") == Some(&Value::Bool(false)) => {}
            Some("async" | "response-url") => return Err(Refusal::at(400, Category::NotSupported, at, NOT_LATER)),
            _ => {
                let text = "the parameters are `content`, once, and `async` with the value false";
                return Err(Refusal::at(400, Category::NotSupported, at, text));
            }
        }
    }
    content.filter(|content| content.get("resourceType").is_some_and(|kind| kind == "Bundle")).ok_or_else(|| {
        let text = "the parameter `content` with the Bundle of the message is not there";
        Refusal::at(400, Category::Required, "Parameters.parameter", text)
    })
}

const NOT_LATER: &str = "messages are answered at once, in the response to the request, and nowhere else; leave it out";

/// A hash of what a message says, however it is written: of the message without the time at which it was sent, which a retry may state anew.
pub(in crate::pipeline::write) fn content_of(body: &[u8]) -> Option<[u8; 32]> {
    // Nothing lost: what cannot be read is refused, and counts as the bytes it is.
    let body: Value = serde_json::from_slice(body).ok()?;
    // Nothing lost: what is no message is refused, and counts as the bytes it is.
    let mut bundle = Cow::Borrowed(bundle_of(&body).ok()?);
    if bundle.get("timestamp").is_some() || bundle.get("meta").is_some() {
        let members = bundle.to_mut().as_object_mut()?;
        members.shift_remove("timestamp");
        members.shift_remove("meta");
    }
    let mut hasher = Sha256::new();
    write(&bundle, &mut hasher);
    Some(hasher.finalize().into())
}

/// Members in order of their names.
fn write(value: &Value, hasher: &mut Sha256) {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
            sorted.sort_by_key(|(name, _)| *name);
            hasher.update(b"{");
            for (name, value) in sorted {
                hasher.update(Value::from(name.as_str()).to_string());
                hasher.update(b":");
                write(value, hasher);
            }
            hasher.update(b"}");
        }
        Value::Array(items) => {
            hasher.update(b"[");
            for item in items {
                write(item, hasher);
                hasher.update(b",");
            }
            hasher.update(b"]");
        }
        other => hasher.update(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_is_the_same_however_it_is_written_and_whenever_it_is_sent() {
        let entries = json!([{ "resource": { "resourceType": "MessageHeader", "id": "h" } }]);
        let first = json!({ "resourceType": "Bundle", "type": "message", "timestamp": "2026-01-01T00:00:00Z", "entry": entries });
        let again = format!(
            "{{\n \"entry\": {entries}, \"type\":\"message\",\n\"resourceType\":\"Bundle\", \"meta\": {{ \"lastUpdated\": \"2026-01-01T00:00:00Z\" }} }}"
        );
        let wrapped =
            json!({ "resourceType": "Parameters", "parameter": [{ "name": "content", "resource": first.clone() }] });
        let other = json!({ "resourceType": "Bundle", "type": "message", "entry": [{ "resource": { "resourceType": "MessageHeader", "id": "g" } }] });
        let hash = |text: &str| content_of(text.as_bytes()).unwrap();
        assert_eq!(hash(&first.to_string()), hash(&again));
        assert_eq!(hash(&first.to_string()), hash(&wrapped.to_string()));
        assert_ne!(hash(&first.to_string()), hash(&other.to_string()));
        assert_eq!(content_of(b"{"), None);
    }

    #[test]
    fn an_answer_that_is_to_come_later_or_elsewhere_is_refused_by_its_place() {
        let content = json!({ "name": "content", "resource": { "resourceType": "Bundle" } });
        let with = |extra: Value| json!({ "resourceType": "Parameters", "parameter": [content, extra] });
        assert!(bundle_of(&with(json!({ "name": "async", "valueBoolean": false }))).is_ok());
        for extra in [
            json!({ "name": "async", "valueBoolean": true }),
            json!({ "name": "response-url", "valueUrl": "https://a.example" }),
            content.clone(),
        ] {
            let refusal = bundle_of(&with(extra)).unwrap_err();
            assert_eq!(
                refusal.problems[0].0.place,
                crate::problem::Place::Element("Parameters.parameter[1]".to_string())
            );
        }
        assert!(bundle_of(&json!({ "resourceType": "Parameters" })).is_err());
        assert!(bundle_of(&json!([])).is_err());
    }
}
