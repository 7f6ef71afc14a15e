//! `children()`, `descendants()` (http://hl7.org/fhirpath/N1/#tree-navigation) and `type()`.

use std::borrow::Cow;

use crate::fhir::path::context::Scope;
use crate::fhir::path::flow::{Flow, Sink};
use crate::fhir::path::item::Item;
use crate::fhir::path::navigate::all_children;

pub(super) fn children<'a>(item: &Item<'a>, sink: Sink<'_, 'a>) -> Flow {
    match item {
        Item::Element(element) => all_children(element, &mut |child| sink(Item::Element(child))),
        _ => Ok(()),
    }
}

/// Every element below an item, each before its own children. Those that wait stand in a list and not on the stack, so
/// that no resource is too deep.
pub(super) fn descendants<'a>(item: &Item<'a>, position: u32, scope: Scope<'_, 'a>, sink: Sink<'_, 'a>) -> Flow {
    let Item::Element(element) = item else { return Ok(()) };
    let mut waiting = vec![*element];
    let mut is_first = true;
    while let Some(element) = waiting.pop() {
        if !std::mem::take(&mut is_first) {
            sink(Item::Element(element))?;
        }
        let known = waiting.len();
        all_children(&element, &mut |child| {
            scope.charge(1, position)?;
            waiting.push(child);
            Ok(())
        })?;
        if let Some(children) = waiting.get_mut(known..) {
            children.reverse();
        }
    }
    Ok(())
}

pub(super) fn type_of<'a>(item: &Item<'a>) -> Item<'a> {
    match item {
        Item::Element(element) => Item::Type("FHIR", Cow::Borrowed(element.type_name().unwrap_or("Any"))),
        other => Item::Type("System", Cow::Owned(other.type_name().to_string())),
    }
}
