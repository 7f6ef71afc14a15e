//! A resource on its way into the record: what a sender stated, before it is known whose it is and what its id will be.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Resource;

/// Where a resource lives: with one patient, or shared by all (practitioners, organisations, locations).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    Patient,
    Shared,
}

/// Elements that several fields of a message fill, member by member: each member is stated and deleted on its own.
pub const BY_MEMBER: [&str; 2] = ["hospitalization", "period"];

/// Lists whose items have a key of their own and are stated one by one.
pub const KEYED: [&str; 4] = ["identifier", "extension", "modifierExtension", "link"];

/// One resource as one input states it.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Its name inside this input ("Patient", "Observation.3"). References to it are written `#Observation.3`.
    pub local: String,
    pub scope: Scope,
    /// The business key that makes this thing the same thing next time (a visit number, an order number with an
    /// observation code). Unique per resource type within the patient, or everywhere for shared resources. Without one,
    /// the content is the key. Patient drafts have none: identity finds them by identifier.
    pub key: Option<String>,
    pub resource: Resource,
    /// What the sender asked to delete (`""` in HL7 v2): an element (`birthDate`), one type of a choice
    /// (`deceasedBoolean`), the items that a field states (`telecom@PID-13`), one extension (`extension:URL`), a member
    /// (`hospitalization.admitSource`). What is neither here nor in the resource, the sender said nothing about.
    pub deleted: Vec<String>,
    /// For elements that are stated field by field, the field that each item of the list came from (`PID-13`); empty for
    /// elements that are no lists. An element without an entry is stated as a whole, as FHIR clients do: items that it
    /// does not have are gone.
    pub sources: BTreeMap<String, Vec<String>>,
}

impl Draft {
    /// Takes in what the same input says of the same thing further on: the later statement stands, element by element and
    /// field by field. Returns the elements about which the two differ.
    pub fn tell_again(&mut self, later: Self) -> Vec<String> {
        let mut differing = Vec::new();
        for (element, value) in later.resource.as_map() {
            if let (true, Value::Object(meta)) = (element == "meta", value) {
                for (list, items) in meta {
                    self.resource.add_to_meta(list, items.as_array().cloned().unwrap_or_default());
                }
                continue;
            }
            let sources = later.sources.get(element);
            let known = self.resource.get(element);
            let (told, origins) = match (known, value) {
                (Some(Value::Array(known)), Value::Array(new)) => {
                    let mine = self.sources.get(element);
                    joined(element, (known, mine), (new, sources), &mut differing)
                }
                (Some(Value::Object(known)), Value::Object(new)) if BY_MEMBER.contains(&element.as_str()) => {
                    let mut all = known.clone();
                    all.extend(new.clone());
                    (Value::Object(all), sources.cloned())
                }
                (known, value) => {
                    if known.is_some_and(|known| known != value) {
                        differing.push(element.clone());
                    }
                    (value.clone(), sources.cloned())
                }
            };
            self.deleted.retain(|deleted| deleted != element);
            self.resource.set(element, told);
            self.sources.remove(element);
            self.sources.extend(origins.map(|origins| (element.clone(), origins)));
        }
        for element in later.deleted {
            if self.resource.remove(&element).is_some() {
                differing.push(element.clone());
            }
            if !self.deleted.contains(&element) {
                self.deleted.push(element);
            }
        }
        differing.sort();
        differing.dedup();
        differing
    }
}

type Listed<'a> = (&'a Vec<Value>, Option<&'a Vec<String>>);

/// Two lists of one element: items with keys are added; of others, those of the fields that the later statement read are
/// replaced by its own.
fn joined(
    element: &str,
    (known, mine): Listed<'_>,
    (new, theirs): Listed<'_>,
    differing: &mut Vec<String>,
) -> (Value, Option<Vec<String>>) {
    let source = |sources: Option<&Vec<String>>, place: usize| {
        sources.and_then(|sources| sources.get(place)).cloned().unwrap_or_default()
    };
    let is_keyed = KEYED.contains(&element);
    let stays = |place: usize, item: &Value| {
        if is_keyed {
            !new.iter().any(|new| is_same(element, item, new))
        } else {
            theirs.is_some_and(|all| !all.contains(&source(mine, place)))
        }
    };
    let kept = known.iter().enumerate().filter(|(place, item)| stays(*place, item));
    let mut all: Vec<(Value, String)> = kept.map(|(place, item)| (item.clone(), source(mine, place))).collect();
    if !is_keyed && known.iter().enumerate().any(|(place, item)| !stays(place, item) && !new.contains(item)) {
        differing.push(element.to_string());
    }
    all.extend(new.iter().enumerate().map(|(place, item)| (item.clone(), source(theirs, place))));
    let (items, origins): (Vec<Value>, Vec<String>) = all.into_iter().unzip();
    let told_by_field = mine.is_some() || theirs.is_some();
    (Value::Array(items), told_by_field.then_some(origins))
}

/// Whether two items of a list with keys are about one thing.
fn is_same(element: &str, one: &Value, other: &Value) -> bool {
    let same = |name: &str| one.get(name) == other.get(name);
    match element {
        "identifier" => same("system") && same("value"),
        "extension" | "modifierExtension" => same("url"),
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn draft(resource: Value, sources: &[(&str, &[&str])]) -> Draft {
        let sources = sources
            .iter()
            .map(|(element, all)| ((*element).to_string(), all.iter().map(|source| (*source).to_string()).collect()));
        Draft {
            local: "X".to_string(),
            scope: Scope::Patient,
            key: None,
            resource: Resource::try_from(resource).unwrap(),
            deleted: Vec::new(),
            sources: sources.collect(),
        }
    }

    #[test]
    fn what_is_told_twice_counts_as_told_last_element_by_element() {
        let mut first = draft(
            json!({ "resourceType": "Condition", "onsetDateTime": "2026-03-01", "severity": { "text": "mild" } }),
            &[],
        );
        let later =
            draft(json!({ "resourceType": "Condition", "onsetDateTime": "2026-03-02", "recordedDate": "2026" }), &[]);
        assert_eq!(first.tell_again(later), ["onsetDateTime"]);
        assert_eq!(first.resource.text("onsetDateTime"), Some("2026-03-02"));
        assert_eq!(first.resource.text("recordedDate"), Some("2026"));
        assert!(first.resource.get("severity").is_some());
    }

    #[test]
    fn a_list_told_twice_keeps_what_another_field_states() {
        let mut first = draft(
            json!({ "resourceType": "Patient", "telecom": [{ "value": "1" }, { "value": "2" }] }),
            &[("telecom", &["PID-13", "PID-14"])],
        );
        let later =
            draft(json!({ "resourceType": "Patient", "telecom": [{ "value": "3" }] }), &[("telecom", &["PID-13"])]);
        assert_eq!(first.tell_again(later), ["telecom"]);
        assert_eq!(first.resource.get("telecom"), Some(&json!([{ "value": "2" }, { "value": "3" }])));
        assert_eq!(first.sources["telecom"], ["PID-14", "PID-13"]);
    }
}
