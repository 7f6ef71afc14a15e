//! References (http://hl7.org/fhir/R4/references.html): the type they point at must be one the element allows, and what
//! they say is contained must be there. Whether anything else exists is not known here.

use serde_json::{Map, Value};

use super::place::Findings;
use super::validate::Validation;
use crate::fhir::definition::{Definitions, ElementDefinition};
use crate::problem::Category;

pub(super) fn check(
    map: &Map<String, Value>,
    element: &ElementDefinition,
    path: &str,
    validation: Validation<'_>,
    findings: &mut Findings,
) {
    let text = |key: &str| map.get(key).and_then(Value::as_str);
    let pointed = match text("reference") {
        Some(reference) => match reference.strip_prefix('#') {
            Some(id) => {
                let Some(found) = contained_type(id, validation) else {
                    findings.error(Category::NotFound, path, "nothing contained in this resource has that id");
                    return;
                };
                Some(found)
            }
            None => type_in(reference),
        },
        None => None,
    };
    let allowed = element.types.iter().find(|kind| kind.code == "Reference").map(|kind| kind.targets.as_slice());
    let allowed = allowed.unwrap_or_default();
    for name in [pointed, text("type")].into_iter().flatten() {
        if !allowed.is_empty() && !allowed.iter().any(|target| target == name || target == "Resource") {
            let text = format!("this reference may point at {}, not at {name}", allowed.join(", "));
            findings.error(Category::Structure, path, text);
            return;
        }
    }
}

/// The type that a literal reference names: the part before the id, if it is a resource type.
fn type_in(reference: &str) -> Option<&str> {
    let plain = reference.split("/_history/").next()?.split('?').next()?;
    let name = match plain.rsplit_once('/') {
        Some((before, _)) => before.rsplit('/').next()?,
        // `Patient?identifier=…` is a conditional reference.
        None if reference.contains('?') => plain,
        None => return None,
    };
    Definitions::r4().is_resource(name).then_some(name)
}

/// The type of a contained resource, or of another draft by its local name.
fn contained_type<'a>(id: &'a str, validation: Validation<'a>) -> Option<&'a str> {
    if id.is_empty() {
        return validation.root.get("resourceType").and_then(Value::as_str);
    }
    let contained = validation.root.get("contained").and_then(Value::as_array);
    let found = contained.into_iter().flatten().find(|resource| resource.get("id").and_then(Value::as_str) == Some(id));
    if let Some(resource) = found {
        return resource.get("resourceType").and_then(Value::as_str);
    }
    id.split('.').next().filter(|name| validation.is_draft && Definitions::r4().is_resource(name))
}
