//! Leaves elements out of a resource (security labels: http://hl7.org/fhir/R4/security-labels.html#SUBSETTED). An element
//! that must be there says that it was masked; nothing ever claims that what was left out does not exist.

use serde_json::{Map, Value, json};

use crate::fhir::definition::TypeDefinition;
use crate::fhir::{Definitions, OWN_LABELS, Resource, add_labels};

const ABSENT: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";

/// The resource without these elements (dotted paths, through lists: `participant.individual`). What must be there by the
/// definition keeps its place with a data-absent-reason `masked`. When anything was left out, it is labelled SUBSETTED.
pub fn redact(resource: &Resource, without: &[String]) -> Resource {
    let mut redacted = resource.clone();
    let definition = Definitions::r4().type_definition(resource.resource_type());
    let mut touched = false;
    for path in without {
        let parts: Vec<&str> = path.split('.').collect();
        touched |= remove(redacted.as_map_mut(), &parts, definition);
    }
    if touched {
        // A narrative may tell what the elements no longer do.
        redacted.remove("text");
        forget_looks(&mut redacted);
        subset(&mut redacted);
    }
    redacted
}

/// What a person looked at is kept beside our tag as hashes, which could be tried out.
pub(super) fn forget_looks(resource: &mut Resource) {
    let Some(Value::Object(meta)) = resource.as_map_mut().get_mut("meta") else { return };
    if let Some(Value::Array(tags)) = meta.get_mut("tag") {
        tags.retain(|tag| tag.get("system").and_then(Value::as_str) != Some(OWN_LABELS));
        if tags.is_empty() {
            meta.shift_remove("tag");
        }
    }
}

/// Removes a path; true when something was there.
fn remove(map: &mut Map<String, Value>, path: &[&str], definition: Option<&'static TypeDefinition>) -> bool {
    let Some((first, rest)) = path.split_first() else { return false };
    let names = names_of(map, first, definition);
    let mut touched = false;
    for name in names {
        let element = definition.and_then(|definition| definition.element(&name));
        let emptied = match map.get_mut(&name) {
            None => continue,
            // What was masked before stays as it is.
            Some(value) if is_masked(value) => continue,
            Some(_) if rest.is_empty() => true,
            Some(value) => {
                let inner = element.and_then(|element| element.definition());
                touched |= remove_inside(value, rest, inner);
                is_empty(value)
            }
        };
        if !emptied {
            continue;
        }
        touched = true;
        let sibling = format!("_{name}");
        map.shift_remove(&sibling);
        let primitive =
            element.and_then(|element| element.type_name()).is_some_and(|name| Definitions::r4().is_primitive(name));
        // Of a choice, one type of several stands for the whole.
        let required = element.is_some_and(|element| element.min > 0);
        let is_list = element.is_some_and(|element| element.max.is_list());
        map.shift_remove(&name);
        if required {
            let masked = masked();
            let masked = if is_list { Value::Array(vec![masked]) } else { masked };
            map.insert(if primitive { sibling } else { name }, masked);
        }
    }
    touched
}

/// The names in the JSON that an element of a path means: itself, or each type of a choice.
fn names_of(map: &Map<String, Value>, element: &str, definition: Option<&'static TypeDefinition>) -> Vec<String> {
    let is_choice = definition.and_then(|definition| definition.element(element)).is_some_and(|found| found.is_choice);
    if !is_choice {
        let only_sibling = !map.contains_key(element) && map.contains_key(&format!("_{element}"));
        return vec![if only_sibling { format!("_{element}") } else { element.to_string() }];
    }
    let belongs = |name: &&String| {
        let plain = name.strip_prefix('_').unwrap_or(name);
        definition
            .and_then(|definition| definition.element(plain))
            .is_some_and(|found| found.choice.as_deref() == Some(element))
    };
    map.keys().filter(belongs).cloned().collect()
}

fn remove_inside(value: &mut Value, path: &[&str], definition: Option<&'static TypeDefinition>) -> bool {
    match value {
        Value::Object(map) => remove(map, path, definition),
        Value::Array(items) => {
            let mut touched = false;
            for item in items.iter_mut() {
                touched |= remove_inside(item, path, definition);
            }
            items.retain(|item| !is_empty(item));
            touched
        }
        _ => false,
    }
}

fn masked() -> Value {
    json!({ "extension": [{ "url": ABSENT, "valueCode": "masked" }] })
}

fn is_masked(value: &Value) -> bool {
    match value {
        Value::Array(items) => matches!(items.as_slice(), [only] if is_masked(only)),
        value => *value == masked(),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// Says that there is more than what is shown.
pub fn subset(resource: &mut Resource) {
    let subsetted = json!({
        "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
        "code": "SUBSETTED",
        "display": "subsetted"
    });
    add_labels(resource, &[subsetted]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(value: Value) -> Resource {
        Resource::try_from(value).unwrap()
    }

    fn without(value: Value, paths: &[&str]) -> Value {
        let paths: Vec<String> = paths.iter().map(ToString::to_string).collect();
        redact(&resource(value), &paths).into()
    }

    #[test]
    fn an_optional_element_is_left_out_through_lists_and_the_rest_is_labelled_subsetted() {
        let redacted = without(
            json!({ "resourceType": "Encounter", "status": "finished", "text": { "status": "generated" }, "participant": [
                { "individual": { "display": "Dr Example" } },
                { "type": [{ "text": "attender" }], "individual": { "display": "Dr Other" } }
            ] }),
            &["participant.individual"],
        );
        assert_eq!(redacted["participant"], json!([{ "type": [{ "text": "attender" }] }]));
        assert_eq!(redacted["meta"]["security"][0]["code"], "SUBSETTED");
        assert_eq!(redacted.get("text"), None, "a narrative could tell what was left out");
    }

    #[test]
    fn what_must_be_there_says_that_it_was_masked() {
        let condition = json!({ "resourceType": "Condition", "subject": { "reference": "Patient/1" } });
        let redacted = without(condition, &["subject"]);
        assert_eq!(redacted["subject"]["extension"][0]["valueCode"], "masked");
        let task = without(json!({ "resourceType": "Task", "status": "ready", "intent": "order" }), &["status"]);
        assert_eq!(task.get("status"), None);
        assert_eq!(task["_status"]["extension"][0]["url"], ABSENT);
    }

    #[test]
    fn what_was_left_out_once_is_left_out_again_without_a_change() {
        for (resource, path) in [
            (json!({ "resourceType": "Task", "status": "ready", "intent": "order" }), "status"),
            (json!({ "resourceType": "Condition", "subject": { "reference": "Patient/1" } }), "subject"),
            (json!({ "resourceType": "CarePlan", "status": "active", "note": [{ "text": "x" }] }), "note"),
        ] {
            let once = without(resource, &[path]);
            assert_eq!(without(once.clone(), &[path]), once, "{path}");
        }
    }

    #[test]
    fn every_type_of_a_choice_is_left_out_with_its_extensions() {
        let observation =
            json!({ "resourceType": "Observation", "valueQuantity": { "value": 86 }, "_valueString": { "id": "x" } });
        let redacted = without(observation, &["value"]);
        assert_eq!((redacted.get("valueQuantity"), redacted.get("_valueString")), (None, None));
    }

    #[test]
    fn a_resource_that_had_none_of_it_stays_as_it_was() {
        let patient = json!({ "resourceType": "Patient", "gender": "female" });
        assert_eq!(without(patient.clone(), &["contact", "name.given"]), patient);
    }

    #[test]
    fn labels_of_the_sender_are_kept() {
        let patient = json!({ "resourceType": "Patient", "meta": { "security": [{ "code": "R" }] }, "birthDate": "1950",
            "_birthDate": { "id": "b" } });
        let redacted = without(patient, &["birthDate"]);
        assert_eq!(redacted["meta"]["security"].as_array().unwrap().len(), 2);
        assert_eq!((redacted.get("birthDate"), redacted.get("_birthDate")), (None, None));
    }
}
