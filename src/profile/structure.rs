//! A resource, and the elements of an object: known ones only, as often as they may stand, of the right kind, primitives in their
//! syntax. What a resource contains is checked as one, too.

use serde_json::{Map, Value};

use super::bundle::Bundle;
use super::check::check_profile;
use super::contained::{self, Contained};
use super::implied::{claims, implied};
use super::place::{Findings, Path};
use super::steps::step;
use super::validation::Validation;
use super::{binding, bundle_rules, extensions, invariants, questionnaire, references};
use crate::fhir::definition::{Definitions, ElementDefinition, Kind, Max, TypeDefinition, check_primitive_value};
use crate::fhir::path::Element;
use crate::problem::Category;
use crate::yaml::nearest;

const EMPTY: &str = "an object has at least one element; leave it out instead";

/// Checks a resource at `path`; false for something that is none. `validation.root` is the outermost resource.
pub(super) fn check_resource<'a>(
    map: &'a Map<String, Value>,
    validation: Validation<'a>,
    path: &Path<'_>,
    findings: &mut Findings,
) -> bool {
    let known = Definitions::r4();
    let Some(name) = map.get("resourceType").and_then(Value::as_str) else {
        findings.error(Category::Structure, path, "a resource says with `resourceType` what it is");
        return false;
    };
    let definition =
        known.type_definition(name).filter(|definition| known.is_resource(name) && !definition.is_abstract);
    let Some(definition) = definition else {
        let names = known.type_names(Kind::Resource);
        let near = (!findings.is_full()).then(|| nearest(name, names)).flatten();
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        findings.error(Category::Structure, path, format!("R4 has no resource of this type{hint}"));
        return false;
    };
    let resource = Element::typed(map, definition);
    let bundle = (name == "Bundle").then(|| Bundle::new(map));
    let own = validation.contained.is_none().then(|| Contained::of(validation.root));
    let contained = own.as_ref().or(validation.contained);
    let validation = Validation { resource, bundle: bundle.as_ref().or(validation.bundle), contained, ..validation };
    check_object(map, definition, path, validation, findings);
    invariants::check(resource, definition, None, path, validation, findings);
    contained::check_ids(map, path, findings);
    if let Some(bundle) = &bundle {
        bundle.check(path, findings);
        bundle_rules::check(map, bundle, validation.is_thorough, path, findings);
    }
    if validation.is_thorough {
        for canonical in claims(map) {
            check_profile(resource, canonical, path, validation, findings);
        }
        for canonical in &implied(map, validation.profiles) {
            check_profile(resource, canonical, path, validation, findings);
        }
        if name == "QuestionnaireResponse" {
            questionnaire::check(map, path, validation, findings);
        }
    }
    true
}

/// Checks all elements of an object of a known type.
pub(super) fn check_object<'a>(
    map: &'a Map<String, Value>,
    definition: &'static TypeDefinition,
    path: &Path<'_>,
    validation: Validation<'a>,
    findings: &mut Findings,
) {
    let has_siblings = map.keys().any(|key| key.starts_with('_'));
    let mut choices: Vec<&str> = Vec::new();
    for (key, value) in map {
        if key == "resourceType" && definition.kind == Kind::Resource {
            continue;
        }
        let plain = key.strip_prefix('_').unwrap_or(key);
        let is_sibling = plain.len() < key.len();
        let Some(element) = find(key, plain, definition, path, findings) else { continue };
        // What stands beside a value is looked at with it.
        if is_sibling && map.contains_key(plain) {
            continue;
        }
        let place = path.child(element.choice.as_deref().unwrap_or(&element.name));
        if let Some(choice) = &element.choice {
            if choices.contains(&choice.as_str()) {
                let text = "this element stands here in more than one type; keep one";
                findings.error(Category::Structure, &place, text);
            }
            choices.push(choice);
        }
        if is_sibling {
            check_element(None, Some(value), element, &place, validation, findings);
        } else {
            let sibling = if has_siblings { sibling_of(map, key) } else { None };
            check_element(Some(value), sibling, element, &place, validation, findings);
        }
    }
    for element in definition.elements.iter().filter(|element| element.min > 0) {
        let name = element.name.as_str();
        if element.is_choice && !choices.contains(&name) {
            findings.error(Category::Required, &path.child(name), "this element is required, in one of its types");
        } else if !element.is_choice && !map.contains_key(name) && sibling_of(map, name).is_none() {
            findings.error(Category::Required, &path.child(name), "this element is required");
        }
    }
    extensions::check(map, definition, path, validation, findings);
}

/// The object or list beside a primitive that holds its id and extensions.
fn sibling_of<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    map.iter().find(|(key, _)| key.strip_prefix('_') == Some(name)).map(|(_, sibling)| sibling)
}

fn is_primitive(element: &ElementDefinition) -> bool {
    element.definition().is_some_and(|definition| definition.kind == Kind::Primitive)
}

/// The element that a key of JSON stands for; says what is wrong with one that stands for none.
fn find(
    key: &str,
    plain: &str,
    definition: &'static TypeDefinition,
    path: &Path<'_>,
    findings: &mut Findings,
) -> Option<&'static ElementDefinition> {
    match definition.element(plain) {
        Some(element) if element.is_choice => {
            let names: Vec<String> = element.types.iter().take(6).map(|kind| element.choice_name(&kind.code)).collect();
            let text = format!("`{plain}` is written with its type, as {}", names.join(", "));
            findings.error(Category::Structure, &path.child(plain), text);
        }
        Some(element) if plain.len() < key.len() && !is_primitive(element) => {
            let text = format!("only primitives have a `{key}` beside them; `{plain}` holds its extensions itself");
            findings.error(Category::Structure, &path.child(key), text);
        }
        Some(element) => return Some(element),
        None => {
            let near = || {
                step();
                nearest(plain, definition.element_names())
            };
            let near = (!findings.is_full()).then(near).flatten();
            let hint = near.map(|near| format!("; did you mean `{near}`?"));
            let text = format!("{} has no such element{}", definition.name, hint.unwrap_or_default());
            findings.error(Category::Structure, &path.child(plain), text);
        }
    }
    None
}

/// Checks one element: a single value or a list of them.
fn check_element<'a>(
    value: Option<&'a Value>,
    sibling: Option<&'a Value>,
    element: &'static ElementDefinition,
    path: &Path<'_>,
    validation: Validation<'a>,
    findings: &mut Findings,
) {
    let is_list = element.max.is_list();
    if element.max == Max::Count(0) {
        findings.error(Category::Structure, path, "this element may not stand here");
        return;
    }
    for part in [value, sibling].into_iter().flatten() {
        if part.is_array() != is_list {
            let text = if is_list {
                "this element is a list: write it in [ ]"
            } else {
                "this element is no list: write it without [ ]"
            };
            findings.error(Category::Structure, path, text);
            return;
        }
    }
    if !is_list {
        check_value(value, sibling, element, path, validation, findings);
        return;
    }
    let empty = Vec::new();
    let values = value.and_then(Value::as_array).unwrap_or(&empty);
    let siblings = sibling.and_then(Value::as_array).unwrap_or(&empty);
    let count = values.len().max(siblings.len());
    if count == 0 {
        findings.error(Category::Structure, path, "a list has at least one item; leave the element out instead");
    }
    if !element.max.allows(count) {
        findings.error(Category::Structure, path, "this element stands here more often than it may");
    }
    for index in 0..count {
        let path = path.at(Some(index));
        check_value(values.get(index), siblings.get(index), element, &path, validation, findings);
    }
}

fn check_value<'a>(
    value: Option<&'a Value>,
    sibling: Option<&'a Value>,
    element: &'static ElementDefinition,
    path: &Path<'_>,
    validation: Validation<'a>,
    findings: &mut Findings,
) {
    let value = value.filter(|value| !value.is_null());
    let sibling = sibling.filter(|sibling| !sibling.is_null());
    let Some(definition) = element.definition() else { return };
    if let Some(sibling) = sibling {
        match sibling.as_object() {
            Some(map) if map.is_empty() => findings.error(Category::Structure, path, EMPTY),
            Some(map) if value.is_none() && map.keys().all(|key| key == "id") => {
                findings.error(Category::Structure, path, "an element has a value or extensions, not an id alone");
            }
            Some(map) => check_object(map, definition, path, validation, findings),
            None => findings.error(Category::Structure, path, "what stands beside a primitive is an object"),
        }
    }
    match value {
        None if sibling.is_none() => {
            findings.error(
                Category::Structure,
                path,
                "an element has a value, children or extensions; leave it out instead",
            );
        }
        None => {}
        Some(value) if definition.kind == Kind::Primitive => {
            if let Err(expected) = check_primitive_value(&definition.name, value) {
                findings.error(Category::Value, path, format!("a {} is {expected}", definition.name));
            } else {
                let own = Element::of_primitive(value, definition);
                check_binding(own, element, path, validation, findings);
                invariants::check_element(own, element, path, validation, findings);
            }
        }
        Some(Value::Object(map)) => check_complex(map, element, definition, path, validation, findings),
        Some(_) => {
            let text = format!("a {} is an object in {{ }}", definition.name);
            findings.error(Category::Structure, path, text);
        }
    }
}

fn check_complex<'a>(
    map: &'a Map<String, Value>,
    element: &'static ElementDefinition,
    definition: &'static TypeDefinition,
    path: &Path<'_>,
    validation: Validation<'a>,
    findings: &mut Findings,
) {
    if Definitions::r4().is_resource(&definition.name) {
        // What is contained in another resource is resolved there; an entry of a bundle stands for itself.
        let inner = match element.name.as_str() {
            "contained" => validation,
            _ => Validation { root: map, contained: None, ..validation },
        };
        check_resource(map, inner, path, findings);
        return;
    }
    if map.is_empty() {
        findings.error(Category::Structure, path, EMPTY);
        return;
    }
    check_object(map, definition, path, validation, findings);
    let own = Element::typed(map, definition);
    check_binding(own, element, path, validation, findings);
    for profile in element.types.iter().flat_map(|kind| &kind.profiles) {
        check_profile(own, profile, path, validation, findings);
    }
    match definition.name.as_str() {
        "Reference" => references::check(map, element, path, validation, findings),
        "Coding" | "Quantity" | "Age" | "Duration" if validation.is_thorough => {
            binding::check_coding(map, path, validation, findings)
        }
        _ => {}
    }
    invariants::check(own, definition, Some(element), path, validation, findings);
}

fn check_binding<'a>(
    own: Element<'a>,
    element: &ElementDefinition,
    path: &Path<'_>,
    validation: Validation<'a>,
    findings: &mut Findings,
) {
    if let Some(bound) = &element.binding {
        binding::check(own, bound, path, validation, findings);
    }
    if let Some(limit) = &element.limit {
        binding::check_limit(own, limit, path, validation, findings);
    }
}
