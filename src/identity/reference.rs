//! Resolves `#local` references of one input, names what they lead to where that is nobody's own (a practitioner, a place),
//! and removes those that lead nowhere rather than inventing a target.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::fhir::Resource;
use crate::problem::{Category, Place, Problem};
use crate::unused::Kind;

/// Makes every `#local` reference literal. One that nothing answers to loses its `reference`; elements left empty go
/// too. References to the resource's own `contained` stay as they are.
///
/// `names` says, by literal reference, what people call a shared resource: it becomes the `display`, so that whoever reads
/// the reference without the record (a partner, a later evaluation) still knows whom it means.
pub(super) fn resolve(
    resource: &mut Resource,
    literal: &BTreeMap<String, String>,
    names: &BTreeMap<String, String>,
    problems: &mut Vec<Problem>,
) {
    let contained: Vec<String> = contained_ids(resource);
    let mut walk = Walk { literal, names, contained, problems };
    let path = resource.resource_type().to_string();
    walk.object(resource.as_map_mut(), &path);
    resource.rewrite_links(&mut |link| literal.get(link.strip_prefix('#')?).cloned());
}

/// What people call a practitioner, an organization or a place; none where nobody said.
pub(super) fn name_of(resource: &Resource) -> Option<String> {
    match resource.get("name")? {
        Value::String(name) => Some(name.clone()),
        Value::Array(names) => {
            let name = names.first()?;
            if let Some(text) = name.get("text").and_then(Value::as_str) {
                return Some(text.to_string());
            }
            let listed = |part: &str| name.get(part).and_then(Value::as_array).into_iter().flatten();
            let family = name.get("family").into_iter();
            let parts = listed("prefix").chain(listed("given")).chain(family).filter_map(Value::as_str);
            let words: Vec<&str> = parts.collect();
            (!words.is_empty()).then(|| words.join(" "))
        }
        _ => None,
    }
}

fn contained_ids(resource: &Resource) -> Vec<String> {
    let items = resource.get("contained").and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| item.get("id")?.as_str().map(String::from)).collect()
}

struct Walk<'a> {
    literal: &'a BTreeMap<String, String>,
    names: &'a BTreeMap<String, String>,
    contained: Vec<String>,
    problems: &'a mut Vec<Problem>,
}

impl Walk<'_> {
    fn object(&mut self, map: &mut Map<String, Value>, path: &str) {
        // Nothing lost: a reference that leads nowhere is told of right below.
        map.retain(|key, value| {
            if key == "reference"
                && let Value::String(text) = value
            {
                return self.reference(text, path);
            }
            self.keep(value, &format!("{path}.{key}"))
        });
        let name = map.get("reference").and_then(Value::as_str).and_then(|target| self.names.get(target));
        if let Some(name) = name.filter(|_| !map.contains_key("display")) {
            map.insert("display".to_string(), json!(name));
        }
    }

    /// Resolves inside a value; false when that left nothing of it.
    fn keep(&mut self, value: &mut Value, path: &str) -> bool {
        match value {
            Value::Object(map) if !map.is_empty() => {
                self.object(map, path);
                !map.is_empty()
            }
            Value::Array(items) if !items.is_empty() => {
                let mut place = 0;
                // Nothing lost: a reference that leads nowhere is told of below.
                items.retain_mut(|item| {
                    place += 1;
                    self.keep(item, &format!("{path}[{}]", place - 1))
                });
                !items.is_empty()
            }
            _ => true,
        }
    }

    fn reference(&mut self, text: &mut String, path: &str) -> bool {
        let Some(local) = text.strip_prefix('#') else { return true };
        if let Some(target) = self.literal.get(local) {
            *text = target.clone();
            return true;
        }
        if local.is_empty() || self.contained.iter().any(|id| id == local) {
            return true;
        }
        let text = "refers to something the message does not state; the reference was left out";
        let problem = Problem::warning(Category::NotFound, Place::Element(path.to_string()), text);
        self.problems.push(problem.unused(Kind::Field, "reference to what is not stated"));
        false
    }
}
