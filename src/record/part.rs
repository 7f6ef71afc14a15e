//! A resource as the parts about which senders can have the last word one by one. Joining two sets of parts is
//! commutative, associative and idempotent: that is why the order in which messages arrive does not matter.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Stamp;
use crate::fhir::{BY_MEMBER, KEYED};

/// Elements of several types (http://hl7.org/fhir/R4/formats.html#choice): of all their types only one stands.
const CHOICES: [(&str, &str); 16] = [
    ("value", "value[x]"),
    ("effective", "effective[x]"),
    ("onset", "onset[x]"),
    ("abatement", "abatement[x]"),
    ("deceased", "deceased[x]"),
    ("multipleBirth", "multipleBirth[x]"),
    ("occurrence", "occurrence[x]"),
    ("performed", "performed[x]"),
    ("medication", "medication[x]"),
    ("reported", "reported[x]"),
    ("product", "product[x]"),
    ("serviced", "serviced[x]"),
    ("scheduled", "scheduled[x]"),
    ("timing", "timing[x]"),
    ("asNeeded", "asNeeded[x]"),
    ("allowed", "allowed[x]"),
];

/// Lists in `meta` that only grow: a label once given is never lost by silence.
const META_LISTS: [&str; 3] = ["security", "tag", "profile"];

/// What one part holds. Without content it was deleted; without a stamp it was made, not stated, and anything stated wins.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Part {
    pub stamp: Option<Stamp>,
    pub content: Option<Map<String, Value>>,
    /// The field that an identifier came from: `""` there deletes it.
    pub source: Option<String>,
}

/// By name: `birthDate`; `valueQuantity`, one type of the choice `value[x]`; `telecom@PID-13`, what one field states of a
/// list; `identifier:system|value`, an item with a key; `hospitalization.admitSource`, a member.
pub(super) type Parts = BTreeMap<String, Part>;

/// What a part belongs to, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group<'n> {
    /// It is the element.
    Whole,
    /// One item, or all items of one field, of this list.
    Item(&'n str),
    Member(&'n str),
    /// One type of this choice.
    Choice(&'static str),
}

pub(super) fn group_of(name: &str) -> Group<'_> {
    if let Some((list, _)) = name.split_once([':', '@']) {
        return Group::Item(list);
    }
    if let Some((element, _)) = name.split_once('.') {
        return Group::Member(element);
    }
    if name == "dataAbsentReason" {
        return Group::Choice("value[x]");
    }
    let of_choice = |(stem, _): &&(&str, &str)| {
        name.strip_prefix(stem).is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_uppercase()))
    };
    CHOICES.iter().find(of_choice).map_or(Group::Whole, |(_, choice)| Group::Choice(choice))
}

/// Takes the elements of a resource apart, without stamps. `fields` says which field each item of a list came from, given the element and
/// how many items it has; empty for what no field stated, none for a list that is stated as a whole.
pub(super) fn take_apart<'r>(
    elements: impl IntoIterator<Item = (&'r String, &'r Value)>,
    fields: &dyn Fn(&str, usize) -> Option<Vec<String>>,
) -> Parts {
    let mut parts = Parts::new();
    for (element, value) in elements {
        match value {
            _ if element == "resourceType" || element == "id" => {}
            Value::Object(meta) if element == "meta" => {
                for list in META_LISTS {
                    for item in meta.get(list).and_then(Value::as_array).into_iter().flatten() {
                        add_item(&mut parts, format!("meta.{list}:{}", coding_key(item)), list, item);
                    }
                }
            }
            Value::Array(items) => {
                let fields = fields(element, items.len());
                take_list_apart(&mut parts, element, items, fields.as_deref());
            }
            Value::Object(members) if BY_MEMBER.contains(&element.as_str()) => {
                for (member, value) in members {
                    let content = Map::from_iter([(member.clone(), value.clone())]);
                    parts.insert(format!("{element}.{member}"), Part { content: Some(content), ..Part::default() });
                }
            }
            _ => {
                // What stands beside a primitive (`_birthDate`) belongs to it.
                let part = parts.entry(element.strip_prefix('_').unwrap_or(element).to_string()).or_default();
                part.content.get_or_insert_with(Map::new).insert(element.clone(), value.clone());
            }
        }
    }
    parts
}

fn take_list_apart(parts: &mut Parts, element: &str, items: &[Value], fields: Option<&[String]>) {
    let field = |place: usize| fields.and_then(|fields| fields.get(place)).filter(|field| !field.is_empty());
    for (place, item) in items.iter().enumerate() {
        if KEYED.contains(&element) {
            let name = format!("{element}:{}", item_key(element, item));
            let part = add_item(parts, name, element, item);
            part.source = field(place).filter(|_| element == "identifier").cloned();
        } else {
            let name = field(place).map_or_else(|| element.to_string(), |field| format!("{element}@{field}"));
            add_item(parts, name, element, item);
        }
    }
}

fn add_item<'p>(parts: &'p mut Parts, name: String, element: &str, item: &Value) -> &'p mut Part {
    let part = parts.entry(name).or_default();
    let content = part.content.get_or_insert_with(Map::new);
    if let Value::Array(items) = content.entry(element).or_insert_with(|| Value::Array(Vec::new())) {
        items.push(item.clone());
    }
    part
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
                if part.stamp > known.stamp || (part.stamp == known.stamp && rank(&part) > rank(known)) {
                    *known = part;
                }
            }
        }
    }
    left
}

fn rank(part: &Part) -> (Option<String>, &Option<String>) {
    let text = part.content.as_ref().map(|content| {
        let sorted: BTreeMap<&String, &Value> = content.iter().collect();
        sorted.iter().map(|(key, value)| format!("{key}:{value}")).collect::<Vec<_>>().join(",")
    });
    (text, &part.source)
}
