//! The functions that FHIR adds (http://hl7.org/fhir/R4/fhirpath.html#functions). What they need to know of the world
//! outside the resource, the caller tells through the context; without it they say that it is missing.

use std::sync::LazyLock;

use serde_json::{Map, Value};
use smallvec::smallvec;

use super::input::input;
use super::invocation::Invocation;
use super::table::Function;
use super::terminology::{member_of, subsumption};
use crate::fhir::definition::Definitions;
use crate::fhir::narrative::check_narrative;
use crate::fhir::path::ast::{Call, Node};
use crate::fhir::path::context::Scope;
use crate::fhir::path::error::PathError;
use crate::fhir::path::flow::{Flow, Items, Sink};
use crate::fhir::path::item::{Content, Element, Item};
use crate::fhir::path::navigate::children_named;
use crate::fhir::path::step::{Step, member};

const PROFILES: &str = "http://hl7.org/fhir/StructureDefinition/";

/// Stands for a resource of which only the type is known.
static NOTHING: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

static EXTENSION: LazyLock<Step> = LazyLock::new(|| Step::new(0, "extension".to_string()));
static MODIFIER_EXTENSION: LazyLock<Step> = LazyLock::new(|| Step::new(0, "modifierExtension".to_string()));

pub(super) fn call<'a>(invocation: Invocation<'_, 'a>, input: Items<'a>) -> Result<Items<'a>, PathError> {
    match invocation.call.function {
        Function::GetValue => Ok(input.iter().filter_map(value_of).collect()),
        Function::Resolve => Ok(input.iter().filter_map(|item| resolve(invocation, item)).collect()),
        Function::MemberOf => member_of(invocation, &input),
        Function::Subsumes | Function::SubsumedBy => subsumption(invocation, &input),
        Function::ConformsTo => conforms_to(invocation, &input),
        Function::Slice => slice(invocation, input),
        Function::CheckModifiers => check_modifiers(invocation, input),
        Function::ElementDefinition => element_definitions(invocation, &input),
        _ => html_checks(invocation, &input),
    }
}

fn value_of<'a>(item: &Item<'a>) -> Option<Item<'a>> {
    match item {
        Item::Element(element) if element.is_primitive_type() => element.system(),
        _ => None,
    }
}

fn url_of<'a>(extension: &Element<'a>) -> Option<&'a str> {
    member(extension.as_map()?, "url")?.as_str()
}

pub(super) fn extension<'a>(
    call: &'a Call,
    url: &'a Node,
    position: u32,
    scope: Scope<'_, 'a>,
    sink: Sink<'_, 'a>,
) -> Flow {
    let Some(url) = (Invocation { call, position, scope }).text_of(url)? else { return Ok(()) };
    input(call, scope, &mut |item| {
        scope.charge(1, position)?;
        let Item::Element(element) = item else { return Ok(()) };
        children_named(&element, &EXTENSION, &mut |extension| {
            if url_of(&extension) == Some(url.as_ref()) { sink(Item::Element(extension)) } else { Ok(()) }
        })
    })
}

/// The resource that a Reference, or text with a reference, points at: contained, or found by the caller.
fn resolve<'a>(invocation: Invocation<'_, 'a>, item: &Item<'a>) -> Option<Item<'a>> {
    let context = invocation.scope.context;
    let map = item.as_element().and_then(Element::as_map);
    let text: &str = match map {
        Some(map) => member(map, "reference").and_then(Value::as_str).unwrap_or_default(),
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
        return Some(Item::Element(found));
    }
    if !context.resolves_types {
        return None;
    }
    let named = map.and_then(|map| member(map, "type")).and_then(Value::as_str);
    let before_id = text.split("/_history/").next().and_then(|text| text.rsplit('/').nth(1));
    let definition = Definitions::r4().type_definition(named.or(before_id)?)?;
    Some(Item::Element(Element { content: Content::Object(&NOTHING), sibling: None, definition: Some(definition) }))
}

/// `conformsTo(profile)`: R4's own types are known here, profiles by the caller.
fn conforms_to<'a>(invocation: Invocation<'_, 'a>, input: &[Item<'a>]) -> Result<Items<'a>, PathError> {
    let (Some(item), Some(profile)) = (invocation.single(input)?, invocation.text(0)?) else {
        return Ok(Items::new());
    };
    if let Some(known) = invocation.scope.context.conformance.and_then(|conforms| conforms(item, &profile)) {
        return Ok(smallvec![Item::Boolean(known)]);
    }
    let known = Definitions::r4();
    let Some(name) = profile.strip_prefix(PROFILES).filter(|name| known.kind(name).is_some()) else {
        return Err(invocation.fault("this profile is not known here"));
    };
    let own = item.as_element().and_then(Element::type_name).unwrap_or_default();
    Ok(smallvec![Item::Boolean(known.is_subtype(own, name))])
}

/// `slice(structure, name)`: the items of the input that are in that slice.
fn slice<'a>(invocation: Invocation<'_, 'a>, input: Items<'a>) -> Result<Items<'a>, PathError> {
    let (Some(structure), Some(name)) = (invocation.text(0)?, invocation.text(1)?) else { return Ok(Items::new()) };
    let mut kept = Items::new();
    for item in input {
        let known = invocation.scope.context.slices.and_then(|is_in| is_in(&item, &structure, &name));
        if known.ok_or_else(|| invocation.fault("this structure or its slice is not known here"))? {
            kept.push(item);
        }
    }
    Ok(kept)
}

/// `checkModifiers(url, …)`: the input, when it has no modifier extensions but those; otherwise a fault.
fn check_modifiers<'a>(invocation: Invocation<'_, 'a>, input: Items<'a>) -> Result<Items<'a>, PathError> {
    let mut allowed = Vec::with_capacity(invocation.call.arguments.len());
    for index in 0..invocation.call.arguments.len() {
        allowed.extend(invocation.text(index)?);
    }
    for item in &input {
        let Item::Element(element) = item else { continue };
        let mut is_unknown = false;
        crate::fhir::path::flow::ended(children_named(element, &MODIFIER_EXTENSION, &mut |extension| {
            is_unknown |= !url_of(&extension).is_some_and(|url| allowed.iter().any(|allowed| allowed == url));
            Ok(())
        }))?;
        if is_unknown {
            return Err(invocation.fault("there is a modifier extension that is not among those named here"));
        }
    }
    Ok(input)
}

/// `elementDefinition()`: what the caller knows of each element.
fn element_definitions<'a>(invocation: Invocation<'_, 'a>, input: &[Item<'a>]) -> Result<Items<'a>, PathError> {
    let Some(find) = invocation.scope.context.element_definitions else {
        return Err(invocation.fault("no definitions of elements were given to this evaluation"));
    };
    let kind = Definitions::r4().type_definition("ElementDefinition");
    let found = input.iter().filter_map(Item::as_element).filter_map(find);
    Ok(found.map(|map| Item::Element(Element::object(map, kind))).collect())
}

/// `htmlChecks()`: whether a narrative is XHTML as R4 allows it, and says something.
fn html_checks<'a>(invocation: Invocation<'_, 'a>, input: &[Item<'a>]) -> Result<Items<'a>, PathError> {
    let Some(item) = invocation.single(input)? else { return Ok(Items::new()) };
    let text = item.as_text().ok_or_else(|| invocation.fault("works on the `div` of a narrative"))?;
    invocation.scope.charge(text.len() / 64, invocation.position)?;
    Ok(smallvec![Item::Boolean(check_narrative(&text).is_ok())])
}
