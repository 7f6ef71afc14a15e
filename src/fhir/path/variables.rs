//! `%name`: what the caller set, and what FHIR itself defines (http://hl7.org/fhir/R4/fhirpath.html#variables).

use std::borrow::Cow;

use super::context::Scope;
use super::error::PathError;
use super::evaluate::Items;
use super::item::Item;

/// Whether a name has a meaning without the caller.
pub(super) fn is_defined(name: &str) -> bool {
    matches!(name, "context" | "resource" | "rootResource" | "ucum" | "sct" | "loinc")
        || name.starts_with("vs-")
        || name.starts_with("ext-")
}

pub(super) fn find<'a>(name: &'a str, scope: Scope<'_, 'a>, position: u32) -> Result<Items<'a>, PathError> {
    let context = scope.context;
    if let Some((_, items)) = context.variables.iter().find(|(own, _)| own == name) {
        return Ok(items.clone());
    }
    if context.membership.is_some_and(|knows| knows(name, "", "").is_some()) {
        return Ok(vec![Item::ValueSet(Cow::Borrowed(name))]);
    }
    let fixed = |url: &'static str| vec![Item::String(Cow::Borrowed(url))];
    Ok(match name {
        "context" => context.focus.clone(),
        "resource" => context.resource.map(Item::Element).into_iter().collect(),
        "rootResource" => context.root.map(Item::Element).into_iter().collect(),
        "ucum" => fixed("http://unitsofmeasure.org"),
        "sct" => fixed("http://snomed.info/sct"),
        "loinc" => fixed("http://loinc.org"),
        _ => {
            let url = match (name.strip_prefix("vs-"), name.strip_prefix("ext-")) {
                (Some(value_set), _) => format!("http://hl7.org/fhir/ValueSet/{value_set}"),
                (_, Some(extension)) => format!("http://hl7.org/fhir/StructureDefinition/{extension}"),
                _ => return Err(PathError::at(position, format!("nothing is named `%{name}` here"))),
            };
            vec![Item::String(Cow::Owned(url))]
        }
    })
}
