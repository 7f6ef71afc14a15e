//! Fixed values and patterns (http://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.pattern_x_):
//! a fixed value is all there is, a pattern is at least what there is.

use serde_json::Value;

use crate::fhir::path::Element;

/// Whether an element has all that the pattern has.
pub(super) fn element_contains(element: Element<'_>, pattern: &Value) -> bool {
    match (element.as_map(), element.primitive(), pattern) {
        (Some(map), _, Value::Object(pattern)) => {
            pattern.iter().all(|(key, pattern)| map.get(key).is_some_and(|value| contains(value, pattern)))
        }
        (None, Some(value), pattern) => contains(value, pattern),
        _ => false,
    }
}

/// Whether an element is the value, with nothing more.
pub(super) fn element_is(element: Element<'_>, fixed: &Value) -> bool {
    match (element.as_map(), element.primitive(), fixed) {
        (Some(map), _, Value::Object(fixed)) => map == fixed,
        (None, Some(value), fixed) => value == fixed,
        _ => false,
    }
}

/// Whether a value has all that the pattern has. Each item of a list in the pattern must be met by some item.
pub(super) fn contains(value: &Value, pattern: &Value) -> bool {
    match (value, pattern) {
        (Value::Object(value), Value::Object(pattern)) => {
            pattern.iter().all(|(key, pattern)| value.get(key).is_some_and(|value| contains(value, pattern)))
        }
        (Value::Array(values), Value::Array(patterns)) => {
            patterns.iter().all(|pattern| values.iter().any(|value| contains(value, pattern)))
        }
        (Value::Array(values), pattern) => values.iter().any(|value| contains(value, pattern)),
        _ => value == pattern,
    }
}

/// A value in a sentence: as compact JSON, shortened when it is long.
pub(super) fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(160) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pattern_is_met_by_more_but_not_by_less() {
        let pattern = json!({ "coding": [{ "system": "http://loinc.org", "code": "85354-9" }] });
        let more = json!({ "text": "x", "coding": [{ "code": "1" }, { "system": "http://loinc.org", "code": "85354-9", "display": "y" }] });
        assert!(contains(&more, &pattern));
        assert!(!contains(&json!({ "coding": [{ "code": "85354-9" }] }), &pattern));
        assert!(!contains(&json!({ "text": "x" }), &pattern));
    }
}
