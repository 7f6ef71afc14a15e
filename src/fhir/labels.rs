//! Security labels: `meta.security` (http://hl7.org/fhir/R4/security-labels.html). They grow: what was sensitive once is not
//! known to be harmless later. What goes is only what somebody looked at, and the hold of work that told of nothing else.

use serde_json::Value;

use super::Resource;

/// Says of a resource that something was left out or changed, and nothing of its content.
const INTEGRITY: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";

const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";

/// Our own labels: why another label is there, where that decides what becomes of it.
pub const OWN_LABELS: &str = "https://handover.health/CodeSystem/label";

/// It is kept back until somebody has looked at it; beside it stands R.
pub fn is_hold(label: &Value) -> bool {
    is(label, OWN_LABELS, "not-looked-at")
}

/// The tag of what whoever said it took back as a whole (http://hl7.org/fhir/R4/http.html#delete).
pub fn deleted_tag() -> Value {
    serde_json::json!({ "system": OWN_LABELS, "code": "deleted", "display": "Deleted" })
}

/// Whether it was taken back as a whole: whoever asks for it is told that it is gone, and no search finds it.
pub fn is_deleted(resource: &Resource) -> bool {
    let tags = resource.get("meta").and_then(|meta| meta.get("tag")?.as_array());
    tags.into_iter().flatten().any(|tag| is(tag, OWN_LABELS, "deleted"))
}

/// Confidentiality R.
pub fn is_restricted(label: &Value) -> bool {
    is(label, CONFIDENTIALITY, "R")
}

/// Confidentiality V.
pub fn is_very_restricted(label: &Value) -> bool {
    is(label, CONFIDENTIALITY, "V")
}

fn is(label: &Value, system: &str, code: &str) -> bool {
    let text = |key: &str| label.get(key).and_then(Value::as_str);
    (text("system"), text("code")) == (Some(system), Some(code))
}

/// The labels that say how sensitive a resource is, and so hold for what is made from it, too.
pub fn labels_of(resource: &Resource) -> impl Iterator<Item = &Value> {
    let labels = resource.get("meta").and_then(|meta| meta.get("security")?.as_array());
    labels.into_iter().flatten().filter(|label| label.get("system").and_then(Value::as_str) != Some(INTEGRITY))
}

/// Adds to `meta.security` what is not there yet; true when there was something.
pub fn add_labels(resource: &mut Resource, labels: &[Value]) -> bool {
    let count = |resource: &Resource| {
        let security = resource.get("meta").and_then(|meta| meta.get("security")?.as_array());
        security.map_or(0, Vec::len)
    };
    let known = count(resource);
    if !labels.is_empty() {
        resource.add_to_meta("security", labels.to_vec());
    }
    count(resource) > known
}

/// Keeps of a resource's labels those that are to stay; true when one went. What says that something was left out stays.
pub fn retain_labels(resource: &mut Resource, stays: impl Fn(&Value) -> bool) -> bool {
    let gone: Vec<Value> = labels_of(resource).filter(|label| !stays(label)).cloned().collect();
    let Some(Value::Object(meta)) = resource.as_map_mut().get_mut("meta").filter(|_| !gone.is_empty()) else {
        return false;
    };
    if let Some(Value::Array(labels)) = meta.get_mut("security") {
        // Nothing lost: whoever asks says which label is true no more.
        labels.retain(|label| !gone.contains(label));
        if labels.is_empty() {
            meta.shift_remove("security");
        }
    }
    true
}
