//! Codes as stories write them.

use serde_json::{Value, json};

use crate::fhir::code_system;

/// `J44.1`, or with a system in front: `snomed 185086009`.
pub fn concept(text: &str, usual: &str) -> Value {
    let (system, code) = text.split_once(' ').unwrap_or((usual, text));
    let url = code_system(system).map_or(system, |system| system.url);
    json!({ "coding": [{ "system": url, "code": code }], "text": code })
}
