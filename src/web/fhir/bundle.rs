//! Bundles of search results and of history (http://hl7.org/fhir/R4/bundle.html), and the links between their pages.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::subset::Subset;
use crate::fhir::operation_outcome;
use crate::problem::Problem;
use crate::web::access::Shown;

/// A link of a bundle.
pub fn link(relation: &str, base: &str, path: &str, parameters: &[(String, String)]) -> Value {
    let query: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    let mark = if query.is_empty() { "" } else { "?" };
    json!({ "relation": relation, "url": format!("{base}/{path}{mark}{}", query.join("&")) })
}

/// A bundle, with its total where that is known.
pub fn bundle(kind: &str, now: Timestamp, total: Option<usize>, links: Vec<Value>, entries: Vec<Value>) -> Value {
    let mut bundle = json!({
        "resourceType": "Bundle",
        "meta": { "lastUpdated": format!("{now:.3}") },
        "type": kind,
    });
    if let Some(map) = bundle.as_object_mut() {
        map.extend(total.map(|total| ("total".to_string(), json!(total))));
        map.insert("link".to_string(), Value::Array(links));
        map.extend(Some(("entry".to_string(), Value::Array(entries))).filter(|(_, entries)| *entries != json!([])));
    }
    bundle
}

/// One match of a search, or what comes with it, as far as it is wanted.
pub fn match_entry(base: &str, (resource_type, mode): (&str, &str), shown: Shown, subset: &Subset) -> Value {
    let url = format!("{base}/{resource_type}/{}", shown.id());
    let mut resource = shown.into_resource();
    subset.apply(&mut resource);
    json!({ "fullUrl": url, "resource": Value::from(resource), "search": { "mode": mode } })
}

/// What is told of a search beside what it found; none where there is nothing to tell.
pub fn outcome_entry(problems: &[Problem]) -> Option<Value> {
    let entry = || json!({ "resource": Value::from(operation_outcome(problems)), "search": { "mode": "outcome" } });
    (!problems.is_empty()).then(entry)
}

/// One version in a history.
pub fn version_entry(base: &str, resource_type: &str, shown: Shown) -> Value {
    let place = format!("{resource_type}/{}", shown.id());
    let created = shown.version() == 1;
    let (method, status) = match (created, shown.is_deleted()) {
        (_, true) => ("DELETE", "204"),
        (true, _) => ("POST", "201"),
        _ => ("PUT", "200"),
    };
    let request = json!({ "method": method, "url": if created { resource_type } else { place.as_str() } });
    let response = json!({
        "status": status,
        "etag": format!("W/\"{}\"", shown.version()),
        "lastModified": format!("{:.3}", shown.updated()),
    });
    let url = format!("{base}/{place}");
    // A delete has no resource (http://hl7.org/fhir/R4/http.html#history).
    if shown.is_deleted() {
        return json!({ "fullUrl": url, "request": request, "response": response });
    }
    json!({ "fullUrl": url, "resource": Value::from(shown.into_resource()), "request": request, "response": response })
}

/// RFC 3986: all but the unreserved characters.
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
