//! `%name`: what the caller set, and what FHIR itself defines (http://hl7.org/fhir/R4/fhirpath.html#variables).

use std::borrow::Cow;

use super::context::Scope;
use super::error::PathError;
use super::flow::{Flow, Sink, each};
use super::item::Item;

/// Whether a name has a meaning without the caller.
pub(super) fn is_defined(name: &str) -> bool {
    matches!(name, "context" | "resource" | "rootResource" | "ucum" | "sct" | "loinc")
        || name.starts_with("vs-")
        || name.starts_with("ext-")
}

pub(super) fn stream<'a>(name: &'a str, scope: Scope<'_, 'a>, position: u32, sink: Sink<'_, 'a>) -> Flow {
    let context = scope.context;
    if let Some((_, items)) = context.variables.iter().find(|(own, _)| own == name) {
        return each(items, sink);
    }
    if context.membership.is_some_and(|knows| knows(name, "", "").is_some()) {
        return sink(Item::ValueSet(Cow::Borrowed(name)));
    }
    match name {
        "context" => each(&context.focus, sink),
        "resource" => context.resource.map_or(Ok(()), |element| sink(Item::Element(element))),
        "rootResource" => context.root.map_or(Ok(()), |element| sink(Item::Element(element))),
        _ => match fixed(name) {
            Some(text) => sink(Item::String(text)),
            None => Err(PathError::at(position, format!("nothing is named `%{name}` here")).into()),
        },
    }
}

/// The names that stand for a URL.
fn fixed(name: &str) -> Option<Cow<'static, str>> {
    let url = match name {
        "ucum" => "http://unitsofmeasure.org",
        "sct" => "http://snomed.info/sct",
        "loinc" => "http://loinc.org",
        _ => match (name.strip_prefix("vs-"), name.strip_prefix("ext-")) {
            (Some(value_set), _) => return Some(format!("http://hl7.org/fhir/ValueSet/{value_set}").into()),
            (_, Some(extension)) => {
                return Some(format!("http://hl7.org/fhir/StructureDefinition/{extension}").into());
            }
            _ => return None,
        },
    };
    Some(url.into())
}
