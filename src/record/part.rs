//! A resource as the parts about which senders can have the last word one by one. Joining two sets of parts is
//! commutative, associative and idempotent: that is why the order in which messages arrive does not matter.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Stamp;
use crate::fhir::Resource;

/// Elements of several types (http://hl7.org/fhir/R4/formats.html#choice): all their names are one part.
const CHOICES: [&str; 16] = [
    "value",
    "effective",
    "onset",
    "abatement",
    "deceased",
    "multipleBirth",
    "occurrence",
    "performed",
    "medication",
    "reported",
    "product",
    "serviced",
    "scheduled",
    "timing",
    "asNeeded",
    "allowed",
];

/// Lists whose items have a key of their own and are stated one by one.
const KEYED: [&str; 4] = ["identifier", "extension", "modifierExtension", "link"];

/// Lists in `meta` that only grow: a label once given is never lost by silence.
const META_LISTS: [&str; 3] = ["security", "tag", "profile"];

/// What one part holds. Without content it was deleted; without a stamp it was made, not stated, and anything stated wins.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Part {
    pub stamp: Option<Stamp>,
    pub content: Option<Map<String, Value>>,
}

pub(super) type Parts = BTreeMap<String, Part>;

/// The part that an element belongs to: `_birthDate` to `birthDate`, `deceasedBoolean` to `deceased[x]`.
pub(super) fn part_of(resource_type: &str, element: &str) -> String {
    let element = element.strip_prefix('_').unwrap_or(element);
    let stem = element.strip_suffix("[x]").unwrap_or(element);
    if resource_type == "Observation" && stem == "dataAbsentReason" {
        return "value[x]".to_string();
    }
    for choice in CHOICES {
        let Some(rest) = stem.strip_prefix(choice) else { continue };
        if rest.starts_with(|letter: char| letter.is_ascii_uppercase()) || (rest.is_empty() && element.ends_with("[x]"))
        {
            return format!("{choice}[x]");
        }
    }
    element.to_string()
}

/// Takes a resource apart. `stamp` says who stated a part, given its name.
pub(super) fn take_apart(resource: &Resource, stamp: &dyn Fn(&str) -> Option<Stamp>) -> Parts {
    let kind = resource.resource_type();
    let mut parts = Parts::new();
    let mut put = |name: String, element: &str, value: &Value, listed: bool| {
        let part = parts.entry(name).or_default();
        let content = part.content.get_or_insert_with(Map::new);
        if listed {
            if let Value::Array(items) = content.entry(element).or_insert_with(|| Value::Array(Vec::new())) {
                items.push(value.clone());
            }
        } else {
            content.insert(element.to_string(), value.clone());
        }
    };
    for (element, value) in resource.as_map() {
        match value {
            _ if element == "resourceType" || element == "id" => {}
            Value::Object(meta) if element == "meta" => {
                for list in META_LISTS {
                    for item in meta.get(list).and_then(Value::as_array).into_iter().flatten() {
                        put(format!("meta.{list}:{}", coding_key(item)), list, item, true);
                    }
                }
            }
            Value::Array(items) if KEYED.contains(&element.as_str()) => {
                items
                    .iter()
                    .for_each(|item| put(format!("{element}:{}", item_key(element, item)), element, item, true));
            }
            _ => put(part_of(kind, element), element, value, false),
        }
    }
    for (name, part) in &mut parts {
        part.stamp = stamp(name);
    }
    parts
}

/// What makes an item of a keyed list the same item.
fn item_key(element: &str, item: &Value) -> String {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(String::from);
    match element {
        "identifier" => match (text(item, "system"), text(item, "value")) {
            (system, Some(value)) => format!("{}|{value}", system.unwrap_or_default()),
            (_, None) => item.to_string(),
        },
        "link" => {
            let other = item.get("other").or_else(|| item.get("target")).and_then(|other| text(other, "reference"));
            format!("{}|{}", text(item, "type").unwrap_or_default(), other.unwrap_or_else(|| item.to_string()))
        }
        _ => text(item, "url").unwrap_or_default(),
    }
}

fn coding_key(item: &Value) -> String {
    match (item.get("system").and_then(Value::as_str), item.get("code").and_then(Value::as_str)) {
        (system, Some(code)) => format!("{}|{code}", system.unwrap_or_default()),
        _ => item.as_str().map_or_else(|| item.to_string(), String::from),
    }
}

/// Joins two sets of parts: for each, the later statement stands. Equal stamps with different content (a control id used
/// twice) are decided by the content itself, so that the order cannot.
pub(super) fn join(mut left: Parts, right: Parts) -> Parts {
    for (name, part) in right {
        match left.get_mut(&name) {
            None => {
                left.insert(name, part);
            }
            Some(known) => {
                if rank(&part) > rank(known) {
                    *known = part;
                }
            }
        }
    }
    left
}

fn rank(part: &Part) -> (&Option<Stamp>, Option<String>) {
    let text = part.content.as_ref().map(|content| {
        let sorted: BTreeMap<&String, &Value> = content.iter().collect();
        sorted.iter().map(|(key, value)| format!("{key}:{value}")).collect::<Vec<_>>().join(",")
    });
    (&part.stamp, text)
}

/// Puts parts together again: `resourceType`, `identifier`, `status` and the rest in the order of the alphabet. Items of a
/// list that was deleted later than they were stated stay out.
pub(super) fn put_together(resource_type: &str, parts: &Parts) -> Resource {
    let mut resource = Resource::new(resource_type);
    let mut meta: Map<String, Value> = Map::new();
    let mut elements: BTreeMap<(u8, String), Value> = BTreeMap::new();
    for (name, part) in parts {
        let Some(content) = &part.content else { continue };
        let element = name.split_once(':').map(|(element, _)| element);
        if let Some(element) = element
            && let Some(deleted) = parts.get(element)
            && deleted.stamp > part.stamp
        {
            continue;
        }
        for (key, value) in content {
            let in_meta = element.is_some_and(|element| element.starts_with("meta."));
            match (element, value) {
                (Some(_), Value::Array(items)) if in_meta => extend(meta.entry(key).or_insert(Value::Null), items),
                (Some(_), Value::Array(items)) => {
                    extend(elements.entry((place(key), key.clone())).or_insert(Value::Null), items);
                }
                _ => {
                    elements.insert((place(key), key.clone()), value.clone());
                }
            }
        }
    }
    if !meta.is_empty() {
        resource.set("meta", Value::Object(meta));
    }
    for ((_, key), value) in elements {
        resource.set(&key, value);
    }
    resource
}

fn extend(list: &mut Value, items: &[Value]) {
    match list {
        Value::Array(all) => all.extend(items.iter().cloned()),
        other => *other = Value::Array(items.to_vec()),
    }
}

fn place(element: &str) -> u8 {
    match element {
        "identifier" => 0,
        "status" | "active" => 1,
        _ => 2,
    }
}
