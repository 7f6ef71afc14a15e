//! A resource (http://hl7.org/fhir/R4/resource.html) as the JSON it is, byte-true for decimals, with the few
//! readings everything needs. Never interprets elements of one resource type: that is for those who know the type.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Identifier;

/// A FHIR resource; always a JSON object with a `resourceType`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct Resource(Map<String, Value>);

impl Resource {
    /// An empty resource of a type.
    pub fn new(resource_type: &str) -> Self {
        let mut map = Map::new();
        map.insert("resourceType".to_string(), Value::String(resource_type.to_string()));
        Self(map)
    }

    pub fn resource_type(&self) -> &str {
        self.text("resourceType").unwrap_or_default()
    }

    /// The logical id, when it has one.
    pub fn id(&self) -> Option<&str> {
        self.text("id")
    }

    pub fn get(&self, element: &str) -> Option<&Value> {
        self.0.get(element)
    }

    /// A primitive element as text.
    pub fn text(&self, element: &str) -> Option<&str> {
        self.0.get(element)?.as_str()
    }

    /// Sets an element; `Null` removes it.
    pub fn set(&mut self, element: &str, value: Value) {
        if value.is_null() {
            self.0.shift_remove(element);
        } else {
            self.0.insert(element.to_string(), value);
        }
    }

    pub fn with(mut self, element: &str, value: Value) -> Self {
        self.set(element, value);
        self
    }

    pub fn remove(&mut self, element: &str) -> Option<Value> {
        self.0.shift_remove(element)
    }

    /// All business identifiers that have both system and value; Encounter and the like have a list, some types one.
    pub fn identifiers(&self) -> Vec<Identifier> {
        match self.0.get("identifier") {
            Some(Value::Array(items)) => items.iter().filter_map(Identifier::from_json).collect(),
            Some(one @ Value::Object(_)) => Identifier::from_json(one).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// The literal reference of an element that is a Reference, such as `subject` → `Patient/123`.
    pub fn reference(&self, element: &str) -> Option<&str> {
        self.0.get(element)?.get("reference")?.as_str()
    }

    /// All codings of an element that is a CodeableConcept or a list of them: `(system, code)`.
    pub fn codings(&self, element: &str) -> Vec<(&str, &str)> {
        let concepts: Vec<&Value> = match self.0.get(element) {
            Some(Value::Array(items)) => items.iter().collect(),
            Some(one) => vec![one],
            None => Vec::new(),
        };
        concepts.into_iter().flat_map(codings_of).collect()
    }

    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }

    pub fn as_map_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.0
    }

    /// Whether two have the same elements but for these.
    pub fn is_same_without(&self, other: &Self, elements: &[&str]) -> bool {
        without(&self.0, elements) == without(&other.0, elements)
    }

    /// Adds to a list of `meta` (`security`, `tag`, `profile`) what is not there yet: a coding by its system and code.
    pub fn add_to_meta(&mut self, list: &str, items: Vec<Value>) {
        let same = |one: &Value, other: &Value| match (one.get("code"), other.get("code")) {
            (Some(code), Some(known)) => code == known && one.get("system") == other.get("system"),
            _ => one == other,
        };
        let meta = self.0.entry("meta").or_insert_with(|| Value::Object(Map::new()));
        // Nothing lost: `meta` is an object, and its lists are lists, or the resource would not have been read.
        let Value::Object(meta) = meta else { return };
        let Value::Array(known) = meta.entry(list).or_insert_with(|| Value::Array(Vec::new())) else { return };
        for item in items {
            if !known.iter().any(|known| same(known, &item)) {
                known.push(item);
            }
        }
    }

    /// Every literal `reference` anywhere in the resource, in its order.
    pub fn references(&self) -> Vec<&str> {
        let mut found = Vec::new();
        self.0.values().for_each(|value| refer(value, &mut found));
        found
    }

    /// Calls `change` with every `reference` text anywhere in the resource; the returned text replaces it.
    pub fn rewrite_references(&mut self, change: &mut dyn FnMut(&str) -> Option<String>) {
        for value in self.0.values_mut() {
            rewrite(value, change);
        }
    }
}

fn refer<'r>(value: &'r Value, found: &mut Vec<&'r str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| refer(item, found)),
        Value::Object(map) => {
            found.extend(map.get("reference").and_then(Value::as_str));
            map.values().for_each(|item| refer(item, found));
        }
        // Nothing lost: texts and numbers refer to nothing.
        _ => {}
    }
}

fn rewrite(value: &mut Value, change: &mut dyn FnMut(&str) -> Option<String>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| rewrite(item, change)),
        Value::Object(map) => {
            for (key, item) in map.iter_mut() {
                match item {
                    Value::String(text) if key == "reference" => {
                        if let Some(new) = change(text) {
                            *text = new;
                        }
                    }
                    other => rewrite(other, change),
                }
            }
        }
        _ => {}
    }
}

impl TryFrom<Value> for Resource {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        match value {
            Value::Object(map) if map.get("resourceType").is_some_and(Value::is_string) => Ok(Self(map)),
            Value::Object(_) => Err("the resource has no resourceType".to_string()),
            _ => Err("a resource is a JSON object".to_string()),
        }
    }
}

/// System, empty where none is stated, and code of each coding of a concept.
pub fn codings_of(concept: &Value) -> Vec<(&str, &str)> {
    let codings = concept.get("coding").and_then(Value::as_array).into_iter().flatten();
    codings.filter_map(pair_of).collect()
}

fn pair_of(coding: &Value) -> Option<(&str, &str)> {
    Some((coding.get("system").and_then(Value::as_str).unwrap_or_default(), coding.get("code")?.as_str()?))
}

/// The members but for these, in order of name.
pub fn without<'m>(members: &'m Map<String, Value>, names: &[&str]) -> BTreeMap<&'m str, &'m Value> {
    members.iter().map(|(name, value)| (name.as_str(), value)).filter(|(name, _)| !names.contains(name)).collect()
}

impl From<Resource> for Value {
    fn from(resource: Resource) -> Self {
        Value::Object(resource.0)
    }
}
