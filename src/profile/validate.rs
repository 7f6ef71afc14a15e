//! The way in: checks a whole resource, with what is contained in it (http://hl7.org/fhir/R4/validation.html).
//! Covers structure, cardinality, primitives, choices, required codes, reference targets and R4's own invariants.
//! Does not cover slices, extensions' own definitions, terminology beyond enumerated codes, nor the narrative's XHTML.

use serde_json::{Map, Value};

use super::place::Findings;
use super::structure;
use crate::fhir::Resource;
use crate::fhir::definition::{Definitions, Kind};
use crate::fhir::path::Element;
use crate::problem::{Category, Problem};

/// What stays the same while one resource is checked.
#[derive(Clone, Copy)]
pub(super) struct Validation<'a> {
    /// The outermost resource, which holds the contained ones.
    pub root: &'a Map<String, Value>,
    /// The resource that is being checked: the outermost or a contained one.
    pub resource: Element<'a>,
    /// Whether `#Observation.3` may be the local name of another draft of the same input.
    pub is_draft: bool,
}

/// All faults of a resource against the R4 core definitions. None means that it is valid as far as they go.
pub fn validate(resource: &Resource) -> Vec<Problem> {
    check(resource, false)
}

/// The same for the resource of a draft, whose references to other drafts are written `#Observation.3`.
pub fn validate_draft(resource: &Resource) -> Vec<Problem> {
    check(resource, true)
}

fn check(resource: &Resource, is_draft: bool) -> Vec<Problem> {
    let mut findings = Findings::default();
    let name = resource.resource_type();
    check_resource(resource.as_map(), resource.as_map(), name, is_draft, &mut findings);
    findings.finish()
}

/// Checks a resource at `path`; `root` is the outermost one.
pub(super) fn check_resource<'a>(
    map: &'a Map<String, Value>,
    root: &'a Map<String, Value>,
    path: &str,
    is_draft: bool,
    findings: &mut Findings,
) {
    let known = Definitions::r4();
    let Some(name) = map.get("resourceType").and_then(Value::as_str) else {
        findings.error(Category::Structure, path, "a resource says with `resourceType` what it is");
        return;
    };
    let definition =
        known.type_definition(name).filter(|definition| known.is_resource(name) && !definition.is_abstract);
    let Some(definition) = definition else {
        let names = known.type_names(Kind::Resource);
        let hint =
            crate::yaml::nearest(name, names).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        findings.error(Category::Structure, path, format!("R4 has no resource of this type{hint}"));
        return;
    };
    let resource = Element::typed(map, definition);
    let validation = Validation { root, resource, is_draft };
    structure::check_object(map, definition, path, validation, findings);
    super::invariants::check(resource, definition, None, path, validation, findings);
}
