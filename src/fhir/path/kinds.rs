//! Whether an item is of a type (http://hl7.org/fhirpath/N1/#types): FHIR's types and FHIRPath's own live in two name
//! spaces, and a name without one means whichever the item's own type is in.

use super::ast::{Namespace, TypeSpecifier};
use super::item::Item;
use crate::fhir::definition::{Definitions, Kind};

/// `is`: the type or one derived from it.
pub(super) fn is_of(item: &Item<'_>, kind: &TypeSpecifier) -> bool {
    match item {
        Item::Element(element) => {
            kind.namespace != Some(Namespace::System)
                && element.type_name().is_some_and(|name| Definitions::r4().is_subtype(name, &kind.name))
        }
        other => kind.namespace != Some(Namespace::Fhir) && (other.type_name() == kind.name || kind.name == "Any"),
    }
}

/// `as` and `ofType`: as `is`, but a `code` is no `string` here, so that a choice of both can be told apart.
pub(super) fn is_cast_to(item: &Item<'_>, kind: &TypeSpecifier) -> bool {
    match item {
        Item::Element(element) if element.definition.is_some_and(|known| known.kind == Kind::Primitive) => {
            kind.namespace != Some(Namespace::System) && element.type_name() == Some(kind.name.as_str())
        }
        _ => is_of(item, kind),
    }
}
