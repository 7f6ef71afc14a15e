//! Required bindings (http://hl7.org/fhir/R4/terminologies.html#required) to value sets that enumerate their codes.
//! Other bindings and other value sets need a terminology server, and are not checked here.

use serde_json::{Map, Value};

use super::place::Findings;
use crate::fhir::definition::{CodeGroup, ElementDefinition, Strength, codes_in};
use crate::problem::Category;

/// The codes that an element must come from.
fn required_codes(element: &ElementDefinition) -> Option<&'static [CodeGroup]> {
    let binding = element.binding.as_ref().filter(|binding| binding.strength == Strength::Required)?;
    codes_in(&binding.value_set)
}

/// Checks a primitive that holds a code.
pub(super) fn check(value: &Value, element: &ElementDefinition, path: &str, findings: &mut Findings) {
    let (Some(groups), Some(code)) = (required_codes(element), value.as_str()) else { return };
    if !groups.iter().any(|group| group.codes.contains(&code)) {
        findings.error(Category::CodeInvalid, path, wanted(groups));
    }
}

/// Checks a Coding, or a CodeableConcept, of which one coding must fit.
pub(super) fn check_coded(map: &Map<String, Value>, element: &ElementDefinition, path: &str, findings: &mut Findings) {
    let Some(groups) = required_codes(element) else { return };
    let type_name = element.type_name().unwrap_or_default();
    let fits = |coding: &Value| {
        let text = |key: &str| coding.get(key).and_then(Value::as_str);
        let (system, code) = (text("system"), text("code").unwrap_or_default());
        groups.iter().any(|group| system == Some(group.system) && group.codes.contains(&code))
    };
    let is_right = match (type_name, map.get("coding").and_then(Value::as_array)) {
        ("CodeableConcept", Some(codings)) => codings.iter().any(fits),
        ("CodeableConcept", None) => false,
        ("Coding", _) => fits(&Value::Object(map.clone())),
        _ => true,
    };
    if !is_right {
        findings.error(Category::CodeInvalid, path, wanted(groups));
    }
}

fn wanted(groups: &[CodeGroup]) -> String {
    let codes: Vec<&str> = groups.iter().flat_map(|group| group.codes.iter().copied()).collect();
    let system = groups.first().map_or("", |group| group.system);
    match codes.get(..16) {
        Some(first) if codes.len() > 16 => {
            format!("this code must be one of the {} of {system}: {} …", codes.len(), first.join(", "))
        }
        _ => format!("this code must be one of {}", codes.join(", ")),
    }
}
