//! Security labels as codings (http://hl7.org/fhir/R4/security-labels.html): those of HL7, and our own, which say why a label
//! is there where that decides what becomes of it.

use serde_json::{Value, json};

use super::codes::LABELS;
use crate::fhir::{OWN_LABELS, Resource, labels_of};

const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
pub(super) const OWN: &str = OWN_LABELS;

const CONFIDENTIALITIES: [&str; 6] = ["U", "L", "M", "N", "R", "V"];

/// The label that people write as this code; none where HL7 has none.
pub fn security_label(code: &str) -> Option<Value> {
    let system = if CONFIDENTIALITIES.contains(&code) { CONFIDENTIALITY } else { ACT_CODE };
    LABELS.contains(&code).then(|| json!({ "system": system, "code": code }))
}

/// The codes that [`security_label`] knows.
pub fn security_label_codes() -> &'static [&'static str] {
    &LABELS
}

/// A label of v3 ActCode.
pub(super) fn sensitivity(code: &str, display: &str) -> Value {
    json!({ "system": ACT_CODE, "code": code, "display": display })
}

/// Confidentiality R.
pub(super) fn restricted() -> Value {
    json!({ "system": CONFIDENTIALITY, "code": "R", "display": "restricted" })
}

/// The sender said that this is to be protected, by a flag of the thing itself or of all it sends.
pub(super) fn said_by_sender() -> Value {
    json!({ "system": OWN, "code": "said-by-sender", "display": "Said by its sender" })
}

/// Nobody can tell from its codes and words what it is about, and nobody has looked yet.
pub(super) fn not_looked_at() -> Value {
    json!({ "system": OWN, "code": "not-looked-at", "display": "Kept back until somebody has looked" })
}

pub(super) fn is_of(label: &Value, system: &str) -> bool {
    label.get("system").and_then(Value::as_str) == Some(system)
}

pub(super) fn is_confidentiality(label: &Value) -> bool {
    is_of(label, CONFIDENTIALITY)
}

pub(super) fn has_own(resource: &Resource, code: &str) -> bool {
    labels_of(resource).any(|label| is_of(label, OWN) && label.get("code").is_some_and(|own| own == code))
}

/// The name of a label's part in the record (`record::Draft::deleted`).
pub(super) fn part_of(label: &Value) -> String {
    let text = |key: &str| label.get(key).and_then(Value::as_str).unwrap_or_default();
    format!("meta.security:{}|{}", text("system"), text("code"))
}
