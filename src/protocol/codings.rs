//! The codes of a concept.

use serde_json::Value;

/// System, empty where none is stated, and code of each coding.
pub fn codings_of(concept: &Value) -> Vec<(&str, &str)> {
    let codings = concept.get("coding").and_then(Value::as_array);
    codings.into_iter().flatten().filter_map(pair_of).collect()
}

fn pair_of(coding: &Value) -> Option<(&str, &str)> {
    Some((coding.get("system").and_then(Value::as_str).unwrap_or_default(), coding.get("code")?.as_str()?))
}
