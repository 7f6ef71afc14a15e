//! Resolves `#local` references of one input, and removes those that lead nowhere rather than inventing a target.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::fhir::Resource;
use crate::problem::{Category, Place, Problem};

/// Makes every `#local` reference literal. One that nothing answers to loses its `reference`; elements left empty go
/// too. References to the resource's own `contained` stay as they are.
pub(super) fn resolve(resource: &mut Resource, literal: &BTreeMap<String, String>, problems: &mut Vec<Problem>) {
    let contained: Vec<String> = contained_ids(resource);
    let mut walk = Walk { literal, contained, problems };
    let path = resource.resource_type().to_string();
    walk.object(resource.as_map_mut(), &path);
}

fn contained_ids(resource: &Resource) -> Vec<String> {
    let items = resource.get("contained").and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| item.get("id")?.as_str().map(String::from)).collect()
}

struct Walk<'a> {
    literal: &'a BTreeMap<String, String>,
    contained: Vec<String>,
    problems: &'a mut Vec<Problem>,
}

impl Walk<'_> {
    fn object(&mut self, map: &mut Map<String, Value>, path: &str) {
        map.retain(|key, value| {
            if key == "reference"
                && let Value::String(text) = value
            {
                return self.reference(text, path);
            }
            self.keep(value, &format!("{path}.{key}"))
        });
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
        self.problems.push(Problem::warning(
            Category::NotFound,
            Place::Element(path.to_string()),
            "refers to something the message does not state; the reference was left out",
        ));
        false
    }
}
