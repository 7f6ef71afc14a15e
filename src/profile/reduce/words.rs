//! The words of the reduced form: shortened URLs, versions, codes that need quoting, collapsed expressions; and small
//! ways to read JSON definitions.

use std::borrow::Cow;

use serde_json::Value;

use crate::fhir::terminology::{Designation, Texts};

/// The prefix that is left out of types' and profiles' URLs.
pub const TYPES: &str = "http://hl7.org/fhir/StructureDefinition/";
/// The prefix that is left out of value sets' URLs.
pub const VALUE_SETS: &str = "http://hl7.org/fhir/ValueSet/";

/// The language of what does not say its own (BCP 47).
const UNSAID: &str = "und";

/// The string at a key; an empty one is none.
pub fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str().filter(|text| !text.is_empty())
}

/// The items of the array at a key; none when there is no array.
pub fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The strings of the array at a key.
pub fn texts<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v str> {
    list(value, key).iter().filter_map(Value::as_str)
}

/// Whether a key is there and true.
pub fn is_true(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool) == Some(true)
}

/// A URL as one word: it may not hold blanks, and where a package has some, they are a slip.
pub fn word(url: &str) -> String {
    url.split_whitespace().collect()
}

/// The URL of a type or profile, shortened.
pub fn type_url(url: &str) -> String {
    let url = word(url);
    url.strip_prefix(TYPES).map_or(url.clone(), str::to_string)
}

/// The URL of a value set, shortened.
pub fn value_set_url(url: &str) -> String {
    let url = word(url);
    url.strip_prefix(VALUE_SETS).map_or(url.clone(), str::to_string)
}

/// `URL|VERSION`, or the URL alone where no version is said.
pub fn with_version(url: String, version: Option<&str>) -> String {
    version.map_or(url.clone(), |version| format!("{url}|{}", word(version)))
}

/// A code, a filter's value or the like: as it is, or as a JSON string when it could not be told from what follows.
pub fn quoted(code: &str) -> Cow<'_, str> {
    if code.is_empty() || code.starts_with('"') || code.contains(char::is_whitespace) {
        return Cow::Owned(Value::from(code).to_string());
    }
    Cow::Borrowed(code)
}

/// An expression on one line, with single blanks.
pub fn collapsed(expression: &str) -> String {
    expression.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The last part of a URL.
pub fn last_part(url: &str) -> &str {
    url.rsplit_once('/').map_or(url, |(_, last)| last)
}

/// What a definition says of itself at the end of its head: its status and its name.
pub fn said_of(definition: &Value) -> String {
    let status = text(definition, "status").map(|status| format!(" {}", word(status)));
    let name =
        text(definition, "name").map(|name| format!(" name={}", name.split_whitespace().collect::<Vec<_>>().join("_")));
    status.into_iter().chain(name).collect()
}

/// What a concept is called. A display that is the code itself says nothing.
pub fn texts_of(concept: &Value) -> Texts {
    let display = text(concept, "display").filter(|display| text(concept, "code") != Some(display));
    let designations = list(concept, "designation").iter().filter_map(|designation| {
        let language = text(designation, "language").map_or_else(|| UNSAID.to_string(), word);
        Some(Designation { language, value: text(designation, "value")?.to_string() })
    });
    Texts { display: display.map(str::to_string), designations: designations.collect() }
}
