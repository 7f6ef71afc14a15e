//! `memberOf()`, `subsumes()` and `subsumedBy()` (http://hl7.org/fhir/R4/fhirpath.html#functions): R4's own code lists are
//! known here, everything else is the caller's.

use serde_json::{Map, Value};
use smallvec::smallvec;

use super::invocation::Invocation;
use super::table::Function;
use crate::fhir::Library;
use crate::fhir::path::context::Scope;
use crate::fhir::path::error::PathError;
use crate::fhir::path::flow::Items;
use crate::fhir::path::item::{Element, Item};
use crate::fhir::terminology::Membership;

/// `memberOf(value set)` on a code, a Coding or a CodeableConcept.
pub(super) fn member_of<'a>(invocation: Invocation<'_, 'a>, input: &[Item<'a>]) -> Result<Items<'a>, PathError> {
    let (Some(item), Some(value_set)) = (invocation.single(input)?, invocation.text(0)?) else {
        return Ok(Items::new());
    };
    match in_value_set(invocation.scope, item, &value_set, "*") {
        Some(known) => Ok(smallvec![Item::Boolean(known)]),
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
    let Some(map) = item.as_element().and_then(Element::as_map) else {
        return is_member(scope, value_set, system, &item.as_text()?);
    };
    let known: Vec<Option<bool>> =
        codings(map).map(|(system, code)| is_member(scope, value_set, system, code)).collect();
    if known.contains(&None) { None } else { Some(known.contains(&Some(true))) }
}

/// System and code of a Coding, or of each coding of a CodeableConcept.
fn codings<'a>(map: &'a Map<String, Value>) -> impl Iterator<Item = (&'a str, &'a str)> {
    let several = map.get("coding").and_then(Value::as_array);
    let own = several.is_none().then_some(map);
    let all = several.into_iter().flatten().filter_map(Value::as_object).chain(own);
    let text = |map: &'a Map<String, Value>, key: &str| map.get(key).and_then(Value::as_str).unwrap_or_default();
    all.map(move |coding| (text(coding, "system"), text(coding, "code")))
}

fn is_member(scope: Scope<'_, '_>, value_set: &str, system: &str, code: &str) -> Option<bool> {
    if let Some(known) = scope.context.membership.and_then(|knows| knows(value_set, system, code)) {
        return Some(known);
    }
    let system = Some(system).filter(|system| *system != "*");
    match Library::built_in().membership(value_set, system, code) {
        Membership::In => Some(true),
        Membership::Out => Some(false),
        Membership::Unknown(_) => None,
    }
}

/// By the code systems that are built in, where both codes are in one of them.
fn subsumes(system: &str, above: &str, below: &str) -> Option<bool> {
    let concepts = Library::built_in().code_system(system)?;
    let is_known = concepts.contains(above).ok()? && concepts.contains(below).ok()?;
    if is_known { concepts.is_below(below, above).ok() } else { None }
}

/// `subsumes(code)` and `subsumedBy(code)`: whether one code is the other or above it, or below it.
pub(super) fn subsumption<'a>(invocation: Invocation<'_, 'a>, input: &[Item<'a>]) -> Result<Items<'a>, PathError> {
    let argument = invocation.argument(0)?;
    let (Some(own), Some(other)) = (invocation.single(input)?, invocation.single(&argument)?) else {
        return Ok(Items::new());
    };
    let (above, below) = if invocation.call.function == Function::Subsumes { (own, other) } else { (other, own) };
    let mut known = Some(false);
    for (system, above) in coded(above) {
        for (_, below) in coded(below).into_iter().filter(|(other, _)| *other == system) {
            invocation.scope.charge(1, invocation.position)?;
            let answer = match invocation.scope.context.subsumption {
                _ if above == below => Some(true),
                Some(subsumes) => subsumes(system, above, below),
                None => subsumes(system, above, below),
            };
            if answer == Some(true) {
                return Ok(smallvec![Item::Boolean(true)]);
            }
            known = known.and(answer);
        }
    }
    match known {
        Some(known) => Ok(smallvec![Item::Boolean(known)]),
        None => Err(invocation.fault("what is above what in this code system is not known here")),
    }
}

/// System and code of each coding of an item; a plain code has no system.
fn coded<'i>(item: &'i Item<'_>) -> Vec<(&'i str, &'i str)> {
    match item {
        Item::String(code) => vec![("", code.as_ref())],
        Item::Element(element) => match (element.as_map(), element.primitive().and_then(Value::as_str)) {
            (Some(map), _) => codings(map).collect(),
            (None, Some(code)) => vec![("", code)],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}
