//! `children()`, `descendants()` (http://hl7.org/fhirpath/N1/#tree-navigation) and `type()`.

use std::borrow::Cow;

use crate::fhir::path::context::Scope;
use crate::fhir::path::error::PathError;
use crate::fhir::path::flow::{Flow, Sink};
use crate::fhir::path::item::{Element, Item};
use crate::fhir::path::navigate::all_children;

/// How deep a resource may nest: twice what a parser of JSON lets through.
const MAX_DEPTH: u32 = 256;

pub(super) fn children<'a>(item: &Item<'a>, sink: Sink<'_, 'a>) -> Flow {
    match item {
        Item::Element(element) => all_children(element, &mut |child| sink(Item::Element(child))),
        _ => Ok(()),
    }
}

/// Every element below an item, each before its own children.
pub(super) fn descendants<'a>(item: &Item<'a>, position: u32, scope: Scope<'_, 'a>, sink: Sink<'_, 'a>) -> Flow {
    match item {
        Item::Element(element) => below(element, 0, position, scope, sink),
        _ => Ok(()),
    }
}

fn below<'a>(element: &Element<'a>, depth: u32, position: u32, scope: Scope<'_, 'a>, sink: Sink<'_, 'a>) -> Flow {
    if depth > MAX_DEPTH {
        return Err(PathError::at(position, "this resource is nested too deeply").into());
    }
    all_children(element, &mut |child| {
        scope.charge(1, position)?;
        sink(Item::Element(child))?;
        below(&child, depth + 1, position, scope, sink)
    })
}

pub(super) fn type_of<'a>(item: &Item<'a>) -> Item<'a> {
    match item {
        Item::Element(element) => Item::Type("FHIR", Cow::Borrowed(element.type_name().unwrap_or("Any"))),
        other => Item::Type("System", Cow::Owned(other.type_name().to_string())),
    }
}
