//! Security labels: `meta.security` (http://hl7.org/fhir/R4/security-labels.html). They are only ever added here: what was
//! sensitive once is not known to be harmless later.

use serde_json::Value;

use super::Resource;

/// Says of a resource that something was left out or changed, and nothing of its content.
const INTEGRITY: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";

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
