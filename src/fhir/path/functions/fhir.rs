//! The functions that FHIR adds (http://hl7.org/fhir/R4/fhirpath.html#functions), and `trace()`.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::dispatch::Invocation;
use super::table::Function;
use crate::fhir::definition::{Definitions, codes_in};
use crate::fhir::path::context::Scope;
use crate::fhir::path::error::PathError;
use crate::fhir::path::evaluate::Items;
use crate::fhir::path::item::{Content, Element, Item};
use crate::fhir::path::navigate::children_named;

const PROFILES: &str = "http://hl7.org/fhir/StructureDefinition/";

/// Stands for a resource of which only the type is known.
static NOTHING: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

pub(super) fn call<'a>(invocation: Invocation<'_, 'a>, input: Items<'a>) -> Result<Items<'a>, PathError> {
    match invocation.call.function {
        Function::Extension => extension(invocation, &input),
        Function::HasValue => Ok(vec![Item::Boolean(matches!(input.as_slice(), [one] if value_of(one).is_some()))]),
        Function::GetValue => Ok(input.iter().filter_map(value_of).collect()),
        Function::Resolve => Ok(input.iter().filter_map(|item| resolve(invocation, item)).collect()),
        Function::MemberOf => member_of(invocation, &input),
        Function::ConformsTo => conforms_to(invocation, &input),
        // The narrative is checked where it comes in; here it is taken as checked.
        Function::HtmlChecks => Ok(vec![Item::Boolean(true)]),
        // Evaluation is pure, so there is nowhere to write a trace to.
        _ => Ok(input),
    }
}

fn value_of<'a>(item: &Item<'a>) -> Option<Item<'a>> {
    match item {
        Item::Element(element) if element.is_primitive_type() => element.system(),
        _ => None,
    }
}

fn extension<'a>(invocation: Invocation<'_, 'a>, input: &[Item<'a>]) -> Result<Items<'a>, PathError> {
    let Some(url) = invocation.text(0)? else { return Ok(Vec::new()) };
    let mut extensions = Vec::new();
    for item in input {
        if let Item::Element(element) = item {
            children_named(element, "extension", "_extension", &mut extensions);
        }
    }
    let has_url = |item: &Item<'a>| {
        let own = item.as_element().and_then(Element::as_map).and_then(|map| map.get("url"));
        own.and_then(Value::as_str) == Some(url.as_ref())
    };
    Ok(extensions.into_iter().filter(has_url).collect())
}

/// The resource that a Reference, or text with a reference, points at: contained, or found by the caller.
fn resolve<'a>(invocation: Invocation<'_, 'a>, item: &Item<'a>) -> Option<Item<'a>> {
    let context = invocation.scope.context;
    let map = item.as_element().and_then(Element::as_map);
    let text: &str = match map {
        Some(map) => map.get("reference").and_then(Value::as_str).unwrap_or_default(),
        None => &item.as_text()?,
    };
    if let Some(id) = text.strip_prefix('#') {
        let root = context.root.as_ref()?.as_map()?;
        if id.is_empty() {
            return context.root.map(Item::Element);
        }
        let contained = root.get("contained")?.as_array()?.iter().filter_map(Value::as_object);
        let found = contained.into_iter().find(|resource| resource.get("id").and_then(Value::as_str) == Some(id));
        return found.map(|resource| Item::Element(Element::object(resource, None)));
    }
    if let Some(found) = context.resolver.and_then(|resolver| resolver(text)) {
        return Some(Item::Element(Element::resource(found)));
    }
    if !context.resolves_types {
        return None;
    }
    let named = map.and_then(|map| map.get("type")).and_then(Value::as_str);
    let before_id = text.split("/_history/").next().and_then(|text| text.rsplit('/').nth(1));
    let definition = Definitions::r4().type_definition(named.or(before_id)?)?;
    Some(Item::Element(Element { content: Content::Object(&NOTHING), sibling: None, definition: Some(definition) }))
}

/// `memberOf(value set)` on a code, a Coding or a CodeableConcept.
fn member_of<'a>(invocation: Invocation<'_, 'a>, input: &[Item<'a>]) -> Result<Items<'a>, PathError> {
    let (Some(item), Some(value_set)) = (invocation.single(input)?, invocation.text(0)?) else { return Ok(Vec::new()) };
    match in_value_set(invocation.scope, item, &value_set, "*") {
        Some(known) => Ok(vec![Item::Boolean(known)]),
        None => Err(invocation.fault("this value set is not known here")),
    }
}

/// Whether a code, a Coding or any coding of a CodeableConcept is in a value set; none when the set is not known.
/// `system` is what a code without one is taken for.
pub(in crate::fhir::path) fn in_value_set<'a>(
    scope: Scope<'_, 'a>,
    item: &Item<'a>,
    value_set: &str,
    system: &str,
) -> Option<bool> {
    let text = |map: &'a Map<String, Value>, key: &str| map.get(key).and_then(Value::as_str).unwrap_or_default();
    let coding = |map: &'a Map<String, Value>| (text(map, "system"), text(map, "code"));
    match item.as_element().and_then(Element::as_map) {
        Some(map) => match map.get("coding").and_then(Value::as_array) {
            Some(codings) => {
                let codings = codings.iter().filter_map(Value::as_object).map(coding);
                let known: Vec<Option<bool>> =
                    codings.map(|(system, code)| is_member(scope, value_set, system, code)).collect();
                if known.contains(&None) { None } else { Some(known.contains(&Some(true))) }
            }
            None => {
                let (system, code) = coding(map);
                is_member(scope, value_set, system, code)
            }
        },
        None => is_member(scope, value_set, system, &item.as_text()?),
    }
}

fn is_member(scope: Scope<'_, '_>, value_set: &str, system: &str, code: &str) -> Option<bool> {
    if let Some(known) = scope.context.membership.and_then(|knows| knows(value_set, system, code)) {
        return Some(known);
    }
    let groups = codes_in(value_set)?;
    Some(groups.iter().any(|group| (system == "*" || group.system == system) && group.codes.contains(&code)))
}

fn conforms_to<'a>(invocation: Invocation<'_, 'a>, input: &[Item<'a>]) -> Result<Items<'a>, PathError> {
    let (Some(item), Some(profile)) = (invocation.single(input)?, invocation.text(0)?) else { return Ok(Vec::new()) };
    let known = Definitions::r4();
    let Some(name) = profile.strip_prefix(PROFILES).filter(|name| known.kind(name).is_some()) else {
        return Err(invocation.fault("this profile is not known here"));
    };
    let own = item.as_element().and_then(Element::type_name).unwrap_or_default();
    Ok(vec![Item::Boolean(known.is_subtype(own, name))])
}
