//! Steps from an element to its children (http://hl7.org/fhir/R4/fhirpath.html#polymorphism): choices by their name
//! without type, primitives with their extensions, resources by the type they say.

use serde_json::{Map, Value};

use super::flow::Flow;
use super::item::{Content, Element};
use super::step::{Alternative, Step, Way, member};
use crate::fhir::definition::{ElementDefinition, TypeDefinition};

/// Hands over the children that a step leads to.
pub(super) fn children_named<'a>(
    parent: &Element<'a>,
    step: &Step,
    look: &mut impl FnMut(Element<'a>) -> Flow,
) -> Flow {
    match (parent.content, parent.definition) {
        (Content::Object(map), Some(definition)) => {
            follow(map, &step.name, &step.sibling, step.way_from(definition).as_ref(), look)
        }
        (Content::Object(map), None) => hand_over(map, &step.name, &step.sibling, None, look),
        _ => primitive_children(parent, Some(&step.name), look),
    }
}

/// As `children_named`, for a name that is asked for outside an expression.
pub(super) fn children_by_name<'a>(
    parent: &Element<'a>,
    name: &str,
    look: &mut impl FnMut(Element<'a>) -> Flow,
) -> Flow {
    let sibling = format!("_{name}");
    match (parent.content, parent.definition) {
        (Content::Object(map), Some(definition)) => follow(map, name, &sibling, &Way::find(definition, name), look),
        (Content::Object(map), None) => hand_over(map, name, &sibling, None, look),
        _ => primitive_children(parent, Some(name), look),
    }
}

impl<'a> Element<'a> {
    /// The children of that name, of a choice by its name without type.
    pub fn children(&self, name: &str) -> Vec<Element<'a>> {
        let mut found = Vec::new();
        // Nothing stops this flow.
        let _ = children_by_name(self, name, &mut |child| {
            found.push(child);
            Ok(())
        });
        found
    }
}

fn follow<'a>(
    map: &'a Map<String, Value>,
    name: &str,
    sibling: &str,
    way: &Way,
    look: &mut impl FnMut(Element<'a>) -> Flow,
) -> Flow {
    match way {
        Way::Nowhere => Ok(()),
        Way::Member(kind) => hand_over(map, name, sibling, *kind, look),
        Way::Choice(alternatives) => choice_children(map, name, alternatives, look),
    }
}

fn choice_children<'a>(
    map: &'a Map<String, Value>,
    name: &str,
    alternatives: &[Alternative],
    look: &mut impl FnMut(Element<'a>) -> Flow,
) -> Flow {
    for key in map.keys() {
        let plain = key.strip_prefix('_').unwrap_or(key);
        if !plain.starts_with(name) || (plain.len() < key.len() && map.contains_key(plain)) {
            continue;
        }
        if let Some(found) = alternatives.iter().find(|alternative| alternative.key == plain) {
            hand_over(map, &found.key, &found.sibling, found.definition, look)?;
        }
    }
    Ok(())
}

/// Hands over all children, in the order of the resource.
pub(super) fn all_children<'a>(parent: &Element<'a>, look: &mut impl FnMut(Element<'a>) -> Flow) -> Flow {
    let Content::Object(map) = parent.content else {
        return primitive_children(parent, None, look);
    };
    for (key, value) in map {
        let element = |plain: &str| parent.definition.map(|definition| definition.element(plain));
        match key.strip_prefix('_') {
            Some(plain) if map.contains_key(plain) => {}
            Some(plain) => {
                if let Some(definition) = child_definition(element(plain)) {
                    hand_over_value(None, Some(value), definition, look)?;
                }
            }
            None if key == "resourceType" => {}
            None => {
                if let Some(definition) = child_definition(element(key)) {
                    let beside = if is_complex(value) { None } else { member(map, &format!("_{key}")) };
                    hand_over_value(Some(value), beside, definition, look)?;
                }
            }
        }
    }
    Ok(())
}

/// The type of a child, where it has one; the outer None is for what is no child at all. Where the parent's type is not
/// known, everything is a child.
fn child_definition(element: Option<Option<&ElementDefinition>>) -> Option<Option<&'static TypeDefinition>> {
    match element {
        None => Some(None),
        Some(None) => None,
        Some(Some(element)) => Some(element.definition()),
    }
}

/// The id and the extensions of a primitive.
fn primitive_children<'a>(
    parent: &Element<'a>,
    name: Option<&str>,
    look: &mut impl FnMut(Element<'a>) -> Flow,
) -> Flow {
    let Some(map) = parent.sibling else { return Ok(()) };
    for (key, value) in map {
        if name.is_none_or(|name| name == key) {
            let element = parent.definition.and_then(|definition| definition.element(key));
            hand_over_value(Some(value), None, element.and_then(ElementDefinition::definition), look)?;
        }
    }
    Ok(())
}

/// Only primitives have a sibling; looking for it costs as much as looking for the value.
fn is_complex(value: &Value) -> bool {
    match value {
        Value::Object(_) => true,
        Value::Array(items) => matches!(items.first(), Some(Value::Object(_))),
        _ => false,
    }
}

fn hand_over<'a>(
    map: &'a Map<String, Value>,
    name: &str,
    sibling: &str,
    definition: Option<&'static TypeDefinition>,
    look: &mut impl FnMut(Element<'a>) -> Flow,
) -> Flow {
    let value = member(map, name);
    let beside = if value.is_some_and(is_complex) { None } else { member(map, sibling) };
    hand_over_value(value, beside, definition, look)
}

fn hand_over_value<'a>(
    value: Option<&'a Value>,
    beside: Option<&'a Value>,
    definition: Option<&'static TypeDefinition>,
    look: &mut impl FnMut(Element<'a>) -> Flow,
) -> Flow {
    let values = value.and_then(Value::as_array);
    let siblings = beside.and_then(Value::as_array);
    if values.is_none() && siblings.is_none() {
        return element(value, beside, definition).map_or(Ok(()), look);
    }
    let count = values.map_or(0, Vec::len).max(siblings.map_or(0, Vec::len));
    for index in 0..count {
        let value = values.and_then(|items| items.get(index));
        let beside = siblings.and_then(|items| items.get(index));
        if let Some(element) = element(value, beside, definition) {
            look(element)?;
        }
    }
    Ok(())
}

fn element<'a>(
    value: Option<&'a Value>,
    beside: Option<&'a Value>,
    definition: Option<&'static TypeDefinition>,
) -> Option<Element<'a>> {
    let sibling = beside.and_then(Value::as_object);
    match value {
        Some(Value::Object(map)) => Some(Element::object(map, definition)),
        None | Some(Value::Null) => sibling.map(|_| Element { content: Content::Missing, sibling, definition }),
        Some(Value::Array(_)) => None,
        Some(value) => Some(Element { content: Content::Primitive(value), sibling, definition }),
    }
}
