//! The words of the reduced form: shortened URLs, versions, codes that need quoting, collapsed expressions; and small
//! ways to read JSON definitions.

use std::borrow::Cow;

use serde_json::Value;

/// The prefix that is left out of types' and profiles' URLs.
pub const TYPES: &str = "http://hl7.org/fhir/StructureDefinition/";
/// The prefix that is left out of value sets' URLs.
pub const VALUE_SETS: &str = "http://hl7.org/fhir/ValueSet/";

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
