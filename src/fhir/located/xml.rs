//! FHIR's XML (http://hl7.org/fhir/R4/xml.html) as the JSON that stands for the same, by R4's definitions: what is a list, a
//! number, true or false; and where in the text each part of it is. The order of elements is not looked at. What JSON cannot
//! say (text, attributes, a second value) is told; what R4 does not know goes on into the JSON, where checking finds it.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::elements::{Element, Elements, Failure, Wrong, elements};
use super::scan::{Member, Node, Shape};
use crate::fhir::definition::{Definitions, ElementDefinition, Kind, TypeDefinition, check_primitive};

/// A resource, and where its parts are.
pub(super) struct FromXml {
    pub value: Value,
    pub root: Node,
    pub wrong: Vec<Wrong>,
}

/// Whether a text is XML, as JSON never is.
pub(super) fn is_xml(text: &str) -> bool {
    text.trim_start().starts_with('<')
}

pub(super) fn read(text: &str) -> Result<FromXml, Failure> {
    let Elements { root, wrong } = elements(text)?;
    let mut conversion = Conversion { wrong };
    let (value, root) = conversion.resource(&root);
    Ok(FromXml { value, root, wrong: conversion.wrong })
}

struct Conversion {
    wrong: Vec<Wrong>,
}

/// An object under construction, in JSON and as places.
#[derive(Default)]
struct Object {
    map: Map<String, Value>,
    members: Vec<Member>,
}

impl Object {
    fn put(&mut self, key: String, element: &Element<'_>, value: Value, place: Node) {
        self.map.insert(key.clone(), value);
        self.members.push(Member { key, start: element.start, end: element.end, value: place });
    }

    fn done(self, element: &Element<'_>) -> (Value, Node) {
        let shape = Shape::Object(self.members);
        (Value::Object(self.map), Node { start: element.start, end: element.end, shape })
    }
}

impl Conversion {
    fn resource(&mut self, element: &Element<'_>) -> (Value, Node) {
        let mut object = Object::default();
        object.put("resourceType".to_string(), element, Value::String(element.name.clone()), scalar(element));
        self.attributes(element, &[], &mut object);
        let definition = Definitions::r4().type_definition(&element.name);
        self.children(element, definition, &mut object);
        object.done(element)
    }

    /// The one resource inside `contained` or `resource`.
    fn inner(&mut self, element: &Element<'_>) -> (Value, Node) {
        self.attributes(element, &[], &mut Object::default());
        for other in element.children.iter().skip(1) {
            self.tell(other, "one resource stands here; this is another");
        }
        match element.children.first() {
            Some(resource) => self.resource(resource),
            None => {
                self.tell(element, "a resource stands inside this element, under the name of its type");
                Object::default().done(element)
            }
        }
    }

    fn complex(&mut self, element: &Element<'_>, definition: Option<&'static TypeDefinition>) -> (Value, Node) {
        let mut object = Object::default();
        let is_extension = definition.is_some_and(|definition| definition.name == "Extension");
        self.attributes(element, if is_extension { &["id", "url"] } else { &["id"] }, &mut object);
        self.children(element, definition, &mut object);
        object.done(element)
    }

    /// The value of a primitive, and what stands beside it.
    fn primitive(&mut self, element: &Element<'_>, kind: &str) -> (Option<Value>, Option<(Value, Node)>) {
        let mut beside = Object::default();
        self.attributes(element, &["id", "value"], &mut beside);
        let value = beside.map.shift_remove("value").map(|value| typed(kind, value));
        beside.members.retain(|member| member.key != "value");
        self.children(element, Definitions::r4().type_definition("Element"), &mut beside);
        if value.is_none() && beside.map.is_empty() {
            self.tell(element, "this element has neither a value nor an extension; leave it out");
        }
        (value, (!beside.map.is_empty()).then(|| beside.done(element)))
    }

    fn attributes(&mut self, element: &Element<'_>, known: &[&str], object: &mut Object) {
        for (name, value) in &element.attributes {
            if known.contains(&name.as_str()) {
                object.put(name.clone(), element, Value::String(value.clone()), scalar(element));
            } else {
                self.tell(element, &format!("FHIR has no attribute `{name}` here"));
            }
        }
    }

    fn children(&mut self, element: &Element<'_>, definition: Option<&'static TypeDefinition>, object: &mut Object) {
        let mut names: Vec<&str> = Vec::new();
        let mut named: HashMap<&str, Vec<&Element<'_>>> = HashMap::new();
        for child in &element.children {
            named
                .entry(&child.name)
                .or_insert_with(|| {
                    names.push(&child.name);
                    Vec::new()
                })
                .push(child);
        }
        for name in names {
            let children = named.remove(name).unwrap_or_default();
            let known = definition.and_then(|definition| definition.element(name));
            let is_attribute = definition.is_some_and(|definition| {
                definition.kind == Kind::Datatype && (name == "id" || (name == "url" && definition.name == "Extension"))
            });
            if name == "resourceType" || name.starts_with('_') {
                // In JSON these would be something else.
                children.iter().for_each(|child| self.tell(child, "FHIR has no element of this name"));
            } else if is_attribute {
                children.iter().for_each(|child| self.tell(child, &format!("`{name}` is an attribute here")));
            } else {
                self.child(name, &children, known, object);
            }
        }
    }

    fn child(
        &mut self,
        name: &str,
        all: &[&Element<'_>],
        known: Option<&'static ElementDefinition>,
        object: &mut Object,
    ) {
        let Some(first) = all.first() else { return };
        let is_list = known.map_or(all.len() > 1, |known| known.max.is_list());
        let taken = if is_list { all } else { std::slice::from_ref(first) };
        for other in all.iter().skip(taken.len()) {
            self.tell(other, "this element stands here once; this is another");
        }
        let kind = known.and_then(|known| known.type_name());
        let is_primitive = match known.and_then(|known| known.definition()) {
            Some(definition) => definition.kind == Kind::Primitive,
            None => first.narrative.is_some() || first.attributes.iter().any(|(name, _)| name == "value"),
        };
        if !is_primitive {
            let parts = taken.iter().map(|child| match kind {
                Some("Resource") => self.inner(child),
                _ => self.complex(child, known.and_then(|known| known.definition())),
            });
            let (values, nodes) = parts.unzip();
            let (value, node) = listed(values, nodes, is_list, first);
            object.put(name.to_string(), first, value, node);
            return;
        }
        let (mut values, mut places, mut besides, mut beside_places) = (vec![], vec![], vec![], vec![]);
        for child in taken {
            let (value, beside) = match child.narrative {
                Some(narrative) => (Some(Value::String(narrative.to_string())), None),
                None => self.primitive(child, kind.unwrap_or("string")),
            };
            values.push(value.unwrap_or(Value::Null));
            places.push(scalar(child));
            let (beside, place) = beside.unwrap_or((Value::Null, scalar(child)));
            besides.push(beside);
            beside_places.push(place);
        }
        for (key, values, places) in [(name.to_string(), values, places), (format!("_{name}"), besides, beside_places)]
        {
            if values.iter().any(|value| !value.is_null()) {
                let (value, node) = listed(values, places, is_list, first);
                object.put(key, first, value, node);
            }
        }
    }

    fn tell(&mut self, element: &Element<'_>, text: &str) {
        self.wrong.push(Wrong { start: element.start, end: element.end, text: text.to_string() });
    }
}

/// The list, or the one thing in it.
fn listed(mut values: Vec<Value>, mut nodes: Vec<Node>, is_list: bool, first: &Element<'_>) -> (Value, Node) {
    if is_list {
        return (Value::Array(values), Node { start: first.start, end: first.end, shape: Shape::List(nodes) });
    }
    (values.pop().unwrap_or(Value::Null), nodes.pop().unwrap_or_else(|| scalar(first)))
}

fn scalar(element: &Element<'_>) -> Node {
    Node { start: element.start, end: element.end, shape: Shape::Scalar }
}

/// The JSON of a primitive; what is not as its type has it stays text, and checking says so.
fn typed(kind: &str, value: Value) -> Value {
    let Value::String(text) = &value else { return value };
    if check_primitive(kind, text).is_err() {
        return value;
    }
    match kind {
        "boolean" => Value::Bool(text == "true"),
        // JSON knows no plus sign before a number.
        "integer" | "unsignedInt" | "positiveInt" | "decimal" => {
            serde_json::from_str(text.trim_start_matches('+')).unwrap_or(value)
        }
        _ => value,
    }
}
