//! Steps from an element to its children (http://hl7.org/fhir/R4/fhirpath.html#polymorphism): choices by their name
//! without type, primitives with their extensions, resources by the type they say.

use serde_json::{Map, Value};

use super::item::{Content, Element, Item};
use crate::fhir::definition::{ElementDefinition, TypeDefinition};

/// Adds the children of that name; `sibling` is the name with `_` before it.
pub(super) fn children_named<'a>(parent: &Element<'a>, name: &str, sibling: &str, found: &mut Vec<Item<'a>>) {
    let Content::Object(map) = parent.content else {
        primitive_children(parent, Some(name), found);
        return;
    };
    let Some(definition) = parent.definition else {
        add(map, name, sibling, None, found);
        return;
    };
    match definition.element(name) {
        Some(element) if element.is_choice => choice_children(map, definition, name, found),
        // `valueQuantity` is how JSON writes it; in a path it is `value`.
        Some(element) if element.choice.is_some() => {}
        Some(element) => add(map, name, sibling, element.definition(), found),
        None => {}
    }
}

fn choice_children<'a>(
    map: &'a Map<String, Value>,
    definition: &'static TypeDefinition,
    name: &str,
    found: &mut Vec<Item<'a>>,
) {
    let is_choice = |element: &&ElementDefinition| element.choice.as_deref() == Some(name);
    for key in map.keys() {
        let plain = key.strip_prefix('_').unwrap_or(key);
        if !plain.starts_with(name) || (plain.len() < key.len() && map.contains_key(plain)) {
            continue;
        }
        if let Some(element) = definition.element(plain).filter(is_choice) {
            add(map, plain, &format!("_{plain}"), element.definition(), found);
        }
    }
}

/// Adds all children, in the order of the resource.
pub(super) fn all_children<'a>(parent: &Element<'a>, found: &mut Vec<Item<'a>>) {
    let Content::Object(map) = parent.content else {
        primitive_children(parent, None, found);
        return;
    };
    for key in map.keys() {
        let plain = key.strip_prefix('_').unwrap_or(key);
        if key == "resourceType" || (plain.len() < key.len() && map.contains_key(plain)) {
            continue;
        }
        let element = parent.definition.and_then(|definition| definition.element(plain));
        if parent.definition.is_none() || element.is_some() {
            add(map, plain, &format!("_{plain}"), element.and_then(ElementDefinition::definition), found);
        }
    }
}

/// The id and the extensions of a primitive.
fn primitive_children<'a>(parent: &Element<'a>, name: Option<&str>, found: &mut Vec<Item<'a>>) {
    let Some(map) = parent.sibling else { return };
    for (key, value) in map {
        if name.is_none_or(|name| name == key) {
            let element = parent.definition.and_then(|definition| definition.element(key));
            add_value(Some(value), None, element.and_then(ElementDefinition::definition), found);
        }
    }
}

fn add<'a>(
    map: &'a Map<String, Value>,
    name: &str,
    sibling: &str,
    definition: Option<&'static TypeDefinition>,
    found: &mut Vec<Item<'a>>,
) {
    let value = map.get(name);
    // Only primitives have a sibling; looking for it costs as much as looking for the value.
    let beside = match value {
        Some(Value::Object(_)) => None,
        Some(Value::Array(items)) if matches!(items.first(), Some(Value::Object(_))) => None,
        _ => map.get(sibling),
    };
    add_value(value, beside, definition, found);
}

fn add_value<'a>(
    value: Option<&'a Value>,
    beside: Option<&'a Value>,
    definition: Option<&'static TypeDefinition>,
    found: &mut Vec<Item<'a>>,
) {
    let values = value.and_then(Value::as_array);
    let siblings = beside.and_then(Value::as_array);
    if values.is_none() && siblings.is_none() {
        found.extend(element(value, beside, definition).map(Item::Element));
        return;
    }
    let count = values.map_or(0, Vec::len).max(siblings.map_or(0, Vec::len));
    for index in 0..count {
        let value = values.and_then(|items| items.get(index));
        let beside = siblings.and_then(|items| items.get(index));
        found.extend(element(value, beside, definition).map(Item::Element));
    }
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
