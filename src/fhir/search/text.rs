//! Texts as a search compares them (http://hl7.org/fhir/R4/search.html#string): without case and accents, from the beginning of
//! a word.

use serde_json::{Map, Value};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The parts of a HumanName that it is found by (http://hl7.org/fhir/R4/datatypes.html#HumanName).
const PARTS: [&str; 5] = ["family", "given", "prefix", "suffix", "text"];

/// The texts in a HumanName.
pub(super) fn of_name(name: &Map<String, Value>) -> Vec<&str> {
    PARTS.iter().filter_map(|part| name.get(*part)).flat_map(texts).collect()
}

/// A text, or the texts of a list.
pub(super) fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// Small letters without accents, words parted by one space.
pub fn fold(text: &str) -> String {
    let plain: String = text.nfkd().filter(|letter| !is_combining_mark(*letter)).flat_map(char::to_lowercase).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Where a word of a folded text begins.
pub fn word_starts(text: &str) -> impl Iterator<Item = &str> {
    let is_start = |place: usize| {
        let before = text.get(..place).and_then(|before| before.chars().next_back());
        before.is_none_or(|letter| !letter.is_alphanumeric())
    };
    text.char_indices().filter(move |(place, _)| is_start(*place)).filter_map(|(place, _)| text.get(place..))
}

/// Whether a word of the text begins so; both are folded.
pub(super) fn has_word(text: &str, beginning: &str) -> bool {
    word_starts(text).any(|rest| rest.starts_with(beginning))
}
