//! `children()`, `descendants()` (http://hl7.org/fhirpath/N1/#tree-navigation) and `type()`.

use std::borrow::Cow;

use super::dispatch::Invocation;
use super::table::Function;
use crate::fhir::path::error::PathError;
use crate::fhir::path::evaluate::Items;
use crate::fhir::path::item::Item;
use crate::fhir::path::navigate::all_children;

pub(super) fn call<'a>(invocation: Invocation<'_, 'a>, input: Items<'a>) -> Result<Items<'a>, PathError> {
    match invocation.call.function {
        Function::Children => Ok(children(&input)),
        Function::Descendants => {
            let mut found = Vec::new();
            let mut level = children(&input);
            while !level.is_empty() {
                invocation.scope.charge(level.len(), invocation.position)?;
                let next = children(&level);
                found.extend(level);
                level = next;
            }
            Ok(found)
        }
        _ => Ok(input.iter().map(type_of).collect()),
    }
}

fn children<'a>(items: &[Item<'a>]) -> Items<'a> {
    let mut found = Vec::new();
    for item in items {
        if let Item::Element(element) = item {
            all_children(element, &mut found);
        }
    }
    found
}

fn type_of<'a>(item: &Item<'a>) -> Item<'a> {
    match item {
        Item::Element(element) => Item::Type("FHIR", Cow::Borrowed(element.type_name().unwrap_or("Any"))),
        other => Item::Type("System", Cow::Owned(other.type_name().to_string())),
    }
}
