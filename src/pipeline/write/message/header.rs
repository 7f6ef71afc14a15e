//! The MessageHeader (http://hl7.org/fhir/R4/messageheader.html) as far as an answer needs it: read leniently, so that whatever can be
//! answered as a message is.

use serde_json::{Map, Value};

use super::bundle::bundle_of;

const UUID: &str = "urn:uuid:";

#[derive(Debug, Clone, PartialEq)]
pub(in crate::pipeline::write) struct Header {
    /// What the answer calls it; a response cannot do without.
    pub id: String,
    pub bundle_id: Option<String>,
    /// `eventCoding` or `eventUri`, which the answer repeats.
    pub event: Map<String, Value>,
    /// Where the answer is for: its name and address.
    pub source: Map<String, Value>,
}

impl Header {
    /// None where nothing could be answered as a message.
    pub fn of(body: &[u8]) -> Option<Self> {
        // Nothing lost: what cannot be read is refused by the reading of the message.
        let body: Value = serde_json::from_slice(body).ok()?;
        // Nothing lost: what is no message is refused by the reading of it.
        let bundle = bundle_of(&body).ok()?;
        Self::of_parts(bundle.pointer("/entry/0")?, bundle)
    }

    /// Of the first entry of a bundle.
    pub(super) fn of_parts(entry: &Value, bundle: &Value) -> Option<Self> {
        let header = entry
            .get("resource")
            .filter(|first| first.get("resourceType").is_some_and(|kind| kind == "MessageHeader"))?;
        let full_url = entry.get("fullUrl").and_then(Value::as_str);
        let named = full_url.and_then(|url| url.strip_prefix(UUID));
        let id = header.get("id").and_then(Value::as_str).or(named).filter(|id| is_id(id))?;
        let member = |name: &str| header.get(name).map(|value| (name.to_string(), value.clone()));
        let of_source = |name: &str| Some((name.to_string(), header.get("source")?.get(name)?.clone()));
        Some(Self {
            id: id.to_string(),
            bundle_id: bundle.get("id").and_then(Value::as_str).filter(|id| is_id(id)).map(String::from),
            event: ["eventCoding", "eventUri"].into_iter().filter_map(member).collect(),
            source: ["name", "endpoint"].into_iter().filter_map(of_source).collect(),
        })
    }

    /// The number under which it is kept: R4 tells messages apart by the Bundle's id, and by the header's where it has none.
    pub fn control(&self) -> String {
        match &self.bundle_id {
            Some(id) => format!("Bundle/{id}"),
            None => format!("MessageHeader/{}", self.id),
        }
    }

    /// As lists of messages name it.
    pub fn label(&self) -> String {
        let coded = self.event.get("eventCoding").and_then(|coding| coding.get("code")).and_then(Value::as_str);
        let code = coded.unwrap_or_default();
        let is_plain =
            code.len() <= 40 && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_^".contains(&byte));
        if code.is_empty() || !is_plain { "message".to_string() } else { format!("message {code}") }
    }
}

/// The code of a header's event: of `eventCoding`, or at the end of `eventUri`.
pub(super) fn event_code(header: &Value) -> Option<&str> {
    let code = header.pointer("/eventCoding/code").and_then(Value::as_str);
    let uri = || header.get("eventUri").and_then(Value::as_str);
    code.or_else(|| uri().map(|uri| uri.rsplit(['/', '#', '|', ':']).next().unwrap_or(uri)))
}

/// http://hl7.org/fhir/R4/datatypes.html#id
fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
}
