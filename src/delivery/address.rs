//! Where a delivery goes: update by identifier (http://hl7.org/fhir/R4/http.html#cond-update), so that sending it again
//! changes nothing at the partner's and a new version finds the old one.

use serde_json::{Map, Value};

use super::message;

/// What is to be sent where.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub url: String,
    /// The resource without our `id`: the partner gives its own.
    pub body: Vec<u8>,
    /// The id of the header of a message, which is posted, and which its answer names; none of what is put.
    pub message: Option<String>,
}

/// What is sent for a payload: a message to the operation that takes it, everything else as an update.
pub fn request(base: &str, payload: &Value) -> Result<Request, &'static str> {
    if !message::is_message(payload) {
        return conditional_update(base, payload);
    }
    let header = payload.pointer("/entry/0/resource/id").and_then(Value::as_str);
    let header = header.ok_or("the message was not put together")?;
    let body = serde_json::to_vec(payload).map_err(|_| "the payload cannot be written as JSON")?;
    Ok(Request { url: message::address(base), body, message: Some(header.to_string()) })
}

/// The request for a payload at a partner's FHIR base; a sentence that says why when there can be none.
fn conditional_update(base: &str, payload: &Value) -> Result<Request, &'static str> {
    let resource = payload.as_object().ok_or("the payload is not a resource")?;
    let kind = resource.get("resourceType").and_then(Value::as_str).unwrap_or_default();
    if kind.is_empty() || !kind.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Err("the payload is not a resource");
    }
    let token = first_identifier(resource.get("identifier"))
        .ok_or("the resource has no identifier by which the partner could know it again")?;
    let body = match resource.contains_key("id") {
        true => serde_json::to_vec(&without(resource, "id")),
        false => serde_json::to_vec(resource),
    };
    let body = body.map_err(|_| "the payload cannot be written as JSON")?;
    Ok(Request {
        url: format!("{}/{kind}?identifier={}", base.trim_end_matches('/'), percent_encode(&token)),
        body,
        message: None,
    })
}

fn without(resource: &Map<String, Value>, name: &str) -> Map<String, Value> {
    let mut resource = resource.clone();
    resource.shift_remove(name);
    resource
}

/// The first that has a system and a value: the pipeline puts our own first, since nobody else's system can be relied on
/// to name one thing only.
pub fn first_identifier(identifier: Option<&Value>) -> Option<String> {
    let all: Vec<&Value> = match identifier? {
        Value::Array(items) => items.iter().collect(),
        one => vec![one],
    };
    all.into_iter().find_map(|item| {
        let system = item.get("system")?.as_str()?;
        let value = item.get("value")?.as_str()?;
        Some(format!("{}|{}", escape(system), escape(value)))
    })
}

/// http://hl7.org/fhir/R4/search.html#escaping
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '\\' | '|' | '$' | ',') {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

/// RFC 3986: all but the unreserved characters.
pub fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_identifier_is_the_key_and_our_id_stays_at_home() {
        let payload = json!({ "resourceType": "Task", "id": "abc", "identifier": [
            { "value": "no system" },
            { "system": "https://gateway.example/id/task", "value": "a|b c" },
            { "system": "urn:oid:1.2", "value": "7" } ] });
        let request = conditional_update("https://ehr.example/fhir/", &payload).unwrap();
        let expected =
            "https://ehr.example/fhir/Task?identifier=https%3A%2F%2Fgateway.example%2Fid%2Ftask%7Ca%5C%7Cb%20c";
        assert_eq!(request.url, expected);
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert!(body.get("id").is_none());
        assert_eq!(body["identifier"][2]["value"], "7");
    }

    #[test]
    fn what_cannot_be_known_again_is_not_sent() {
        let nameless = json!({ "resourceType": "Task", "identifier": [{ "value": "7" }] });
        assert!(conditional_update("https://ehr.example", &nameless).unwrap_err().contains("identifier"));
        assert!(conditional_update("https://ehr.example", &json!({ "resourceType": "../x" })).is_err());
        assert!(conditional_update("https://ehr.example", &json!([])).is_err());
    }
}
