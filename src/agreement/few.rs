//! What of a record few of a site's own people are shown: what is restricted or very restricted, and what a sender labelled as sensitive
//! without saying how confidential it is (http://hl7.org/fhir/R4/security-labels.html).

use serde_json::Value;

use super::sensitive::SENSITIVE;
use crate::fhir::{Resource, is_restricted, is_very_restricted, labels_of};

/// Whether a resource is for those alone who are shown sensitive things.
pub fn is_for_few(resource: &Resource) -> bool {
    labels_of(resource).any(|label| is_restricted(label) || is_very_restricted(label) || is_sensitive(label))
}

/// By its code, whatever system a sender gave it.
fn is_sensitive(label: &Value) -> bool {
    let code = label.get("code").and_then(Value::as_str).unwrap_or_default();
    code.starts_with("42CFRPart2") || SENSITIVE.iter().any(|set| set.is_restricted && set.code == code)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn labelled(system: &str, code: &str) -> Resource {
        let system = format!("http://terminology.hl7.org/CodeSystem/{system}");
        Resource::new("Condition").with("meta", json!({ "security": [{ "system": system, "code": code }] }))
    }

    #[test]
    fn what_is_restricted_very_restricted_or_sensitive_is_for_few() {
        for (system, code) in [
            ("v3-Confidentiality", "R"),
            ("v3-Confidentiality", "V"),
            ("v3-ActCode", "ETH"),
            ("v3-ActCode", "42CFRPart2"),
            ("v3-ActCode", "SDV"),
        ] {
            assert!(is_for_few(&labelled(system, code)), "{code}");
        }
        for (system, code) in
            [("v3-Confidentiality", "N"), ("v3-ActCode", "PREGNANT"), ("v3-ActCode", "R"), ("v3-ActReason", "TREAT")]
        {
            assert!(!is_for_few(&labelled(system, code)), "{code}");
        }
        assert!(!is_for_few(&Resource::new("Condition")));
    }
}
