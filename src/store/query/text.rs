//! Texts as a search compares them (http://hl7.org/fhir/R4/search.html#string): without case and accents, from the beginning of
//! a word.

use serde_json::Value;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The parts of a HumanName that it is found by (http://hl7.org/fhir/R4/datatypes.html#HumanName).
const PARTS: [&str; 5] = ["family", "given", "prefix", "suffix", "text"];

/// The texts in a string or in a HumanName.
pub fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(name) => PARTS.iter().filter_map(|part| name.get(*part)).flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// Small letters without accents, words parted by one space.
pub fn fold(text: &str) -> String {
    let plain: String = text.nfkd().filter(|letter| !is_combining_mark(*letter)).flat_map(char::to_lowercase).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a word of the text begins so; both are folded.
pub fn has_word(text: &str, beginning: &str) -> bool {
    let starts = text.char_indices().filter(|(place, _)| {
        let before = text.get(..*place).and_then(|before| before.chars().next_back());
        before.is_none_or(|letter| !letter.is_alphanumeric())
    });
    starts.into_iter().any(|(place, _)| text.get(place..).is_some_and(|rest| rest.starts_with(beginning)))
}
