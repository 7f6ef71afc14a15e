//! What differs between two resources, element by element.

use std::collections::BTreeSet;

use serde_json::Value;

/// What of a resource says when it was written rather than what it says.
const OF_WRITING: [&str; 2] = ["meta.versionId", "meta.lastUpdated"];
/// Beyond this an element is told as it stands, with all below it.
const DEEPEST: usize = 24;

/// One element that is not the same: its path without places in lists, and with which values.
#[derive(Debug, Clone, PartialEq)]
pub struct Element<'v> {
    pub path: String,
    pub before: Option<&'v Value>,
    pub after: Option<&'v Value>,
}

impl Element<'_> {
    /// `new`, `gone` or `changed`.
    pub fn word(&self) -> &'static str {
        match (self.before, self.after) {
            (None, _) => "new",
            (_, None) => "gone",
            _ => "changed",
        }
    }

    pub fn in_words(&self) -> String {
        let shown = |value: Option<&Value>| value.map_or_else(|| "nothing".to_string(), Value::to_string);
        format!("{}: {} → {}", self.path, shown(self.before), shown(self.after))
    }
}

/// All that differs, in order of path.
pub fn elements<'v>(before: &'v Value, after: &'v Value) -> Vec<Element<'v>> {
    let mut found = Vec::new();
    compare("", Some(before), Some(after), 0, &mut found);
    // Nothing lost: these change with every version and say nothing of the patient.
    found.retain(|element| !OF_WRITING.contains(&element.path.as_str()));
    found
}

fn compare<'v>(
    path: &str,
    before: Option<&'v Value>,
    after: Option<&'v Value>,
    depth: usize,
    found: &mut Vec<Element<'v>>,
) {
    match (before, after) {
        _ if before == after => {}
        // Nothing lost: what is deeper is told whole.
        (Some(Value::Object(old)), Some(Value::Object(new))) if depth < DEEPEST => {
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for name in names {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                compare(&path, old.get(name), new.get(name), depth + 1, found);
            }
        }
        // Nothing lost: what is deeper is told whole.
        (Some(Value::Array(old)), Some(Value::Array(new))) if old.len() == new.len() && depth < DEEPEST => {
            old.iter().zip(new).for_each(|(old, new)| compare(path, Some(old), Some(new), depth + 1, found));
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            let gone = beyond(old, new).into_iter();
            found.extend(gone.map(|item| Element { path: path.to_string(), before: Some(item), after: None }));
            let come = beyond(new, old).into_iter();
            found.extend(come.map(|item| Element { path: path.to_string(), before: None, after: Some(item) }));
        }
        _ => found.push(Element { path: path.to_string(), before, after }),
    }
}

/// The items of a list that the other has not, or not as often.
fn beyond<'v>(list: &'v [Value], other: &[Value]) -> Vec<&'v Value> {
    let mut left: Vec<&Value> = other.iter().collect();
    let is_beyond = |item: &&Value| match left.iter().position(|one| one == item) {
        Some(place) => {
            left.swap_remove(place);
            false
        }
        None => true,
    };
    list.iter().filter(is_beyond).collect()
}

/// The codes of a resource with where they stand: path, `system|code`. Those of `extension` too.
pub fn codes(resource: &Value) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    gather("", resource, 0, &mut found);
    found
}

fn gather(path: &str, value: &Value, depth: usize, found: &mut BTreeSet<(String, String)>) {
    // Nothing lost: no resource is so deep; elements are compared whole.
    if depth > 2 * DEEPEST {
        return;
    }
    match value {
        Value::Object(entries) => {
            if let Some(code) = entries.get("code").and_then(Value::as_str) {
                let system = entries.get("system").and_then(Value::as_str).unwrap_or_default();
                found.insert((path.trim_end_matches(".coding").to_string(), format!("{system}|{code}")));
            }
            for (name, value) in entries {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                gather(&path, value, depth + 1, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| gather(path, item, depth + 1, found)),
        // Nothing lost: a value by itself is no code; elements are compared whole.
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_differs_is_told_by_its_element_and_what_says_only_when_it_was_written_is_not() {
        let before = json!({ "meta": { "versionId": "1", "security": [{ "code": "R" }] }, "status": "final",
            "name": [{ "family": "Ash", "given": ["A", "B"] }], "note": [{ "text": "x" }] });
        let after = json!({ "meta": { "versionId": "2", "security": [{ "code": "R" }] }, "status": "final",
            "name": [{ "family": "Ashe", "given": ["B"] }], "note": [{ "text": "x" }], "active": true });
        let told: Vec<String> = elements(&before, &after).iter().map(Element::in_words).collect();
        assert_eq!(
            told,
            ["active: nothing → true", "name.family: \"Ash\" → \"Ashe\"", "name.given: \"A\" → nothing"],
            "{told:?}"
        );
        assert!(elements(&after, &after).is_empty());
        let (twice, once) =
            (json!({ "telecom": [{ "value": "1" }, { "value": "1" }] }), json!({ "telecom": [{ "value": "1" }] }));
        assert_eq!(elements(&twice, &once).len(), 1, "said once less");
        assert_eq!(elements(&once, &twice)[0].word(), "new");
    }

    #[test]
    fn codes_are_told_with_where_they_stand() {
        let resource = json!({ "code": { "coding": [{ "system": "urn:l", "code": "GLU" }, { "code": "x" }], "text": "t" },
            "valueQuantity": { "code": "mg/dL", "system": "urn:ucum", "value": 3 } });
        let found: Vec<(String, String)> = codes(&resource).into_iter().collect();
        let told = |path: &str, code: &str| (path.to_string(), code.to_string());
        assert_eq!(found, [told("code", "urn:l|GLU"), told("code", "|x"), told("valueQuantity", "urn:ucum|mg/dL")]);
    }
}
