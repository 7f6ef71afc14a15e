//! Bindings (http://hl7.org/fhir/R4/terminologies.html#strength): required ones must hold, extensible ones should where a
//! code fits. What cannot be told without a terminology server is said.

use serde_json::{Map, Value};

use super::compiled::short_name;
use super::errata::is_further_code;
use super::place::{Findings, Path};
use super::validation::Validation;
use crate::fhir::definition::{Binding, Strength};
use crate::fhir::path::Element;
use crate::fhir::terminology::{CodeGroup, Membership};
use crate::problem::Category;

/// More codes than this are not listed in a fault.
const MAX_LISTED: usize = 16;

/// Checks a code, Coding, CodeableConcept or Quantity.
pub(super) fn check<'a>(
    element: Element<'a>,
    binding: &Binding,
    path: &Path<'_>,
    validation: Validation<'a>,
    findings: &mut Findings,
) {
    let is_required = match binding.strength {
        Strength::Required => true,
        Strength::Extensible if validation.is_thorough => false,
        _ => return,
    };
    // Words alone are right where no code fits.
    let is_text_only = element.type_name() == Some("CodeableConcept") && element.children("coding").is_empty();
    // What says nothing at all is refused as such.
    let is_empty = element.as_map().is_some_and(Map::is_empty);
    if is_empty || (is_text_only && !is_required) {
        return;
    }
    let url = binding.value_set.as_str();
    match holds(element, url, validation) {
        Membership::In => {}
        Membership::Out if is_further(element, url, path, validation) => {}
        Membership::Out if is_required => findings.error(Category::CodeInvalid, path, wanted(url, validation)),
        Membership::Out => {
            let text = format!("where one fits, a code of {} is used: {}", short_name(url), wanted(url, validation));
            findings.warning(Category::CodeInvalid, path, text);
        }
        Membership::Unknown(missing) if validation.is_thorough => {
            let text = match missing == url {
                true => format!("the value set {missing} is not here, so codes were not checked against it"),
                false => format!("{missing} is not here, so codes of {} were not checked", short_name(url)),
            };
            findings.unknown(path, &missing, text);
        }
        Membership::Unknown(_) => {}
    }
}

/// Whether HL7 counts a code to a value set that R4's copy does not have it in.
fn is_further(element: Element<'_>, value_set: &str, path: &Path<'_>, validation: Validation<'_>) -> bool {
    let Some(code) = element.primitive().and_then(Value::as_str) else { return false };
    let place = format!("{}.{}", validation.resource.type_name().unwrap_or_default(), path.name());
    is_further_code(value_set, &place, code)
}

/// Checks against the value set beyond which a binding does not extend.
pub(super) fn check_limit<'a>(
    element: Element<'a>,
    limit: &str,
    path: &Path<'_>,
    validation: Validation<'a>,
    findings: &mut Findings,
) {
    let binding = Binding { strength: Strength::Required, value_set: limit.to_string() };
    check(element, &binding, path, validation, findings);
}

/// Whether an element is in a value set; of a CodeableConcept any coding may be.
pub(super) fn holds(element: Element<'_>, value_set: &str, validation: Validation<'_>) -> Membership {
    let library = validation.profiles.library();
    if let Some(code) = element.primitive().and_then(Value::as_str) {
        return library.membership(value_set, None, code);
    }
    let Some(map) = element.as_map() else { return Membership::In };
    let coding = |map: &Map<String, Value>| {
        let text = |key: &str| map.get(key).and_then(Value::as_str);
        match text("code") {
            // Without a system nobody knows whose code it is: it is in no value set.
            Some(code) => library.membership(value_set, Some(text("system").unwrap_or_default()), code),
            None => Membership::Out,
        }
    };
    match element.type_name() {
        Some("CodeableConcept") => {
            let codings = map.get("coding").and_then(Value::as_array).into_iter().flatten();
            Membership::any(codings.filter_map(Value::as_object).map(coding))
        }
        Some("Coding") => coding(map),
        // A quantity without a coded unit says nothing that could be wrong here.
        Some(_) if map.contains_key("code") => coding(map),
        _ => Membership::In,
    }
}

fn wanted(value_set: &str, validation: Validation<'_>) -> String {
    let groups = validation.profiles.library().codes_of(value_set);
    let groups: &[CodeGroup] = groups.as_deref().unwrap_or_default();
    let codes: Vec<&str> = groups.iter().flat_map(|group| &group.codes).map(String::as_str).collect();
    let systems: Vec<&str> = groups.iter().map(|group| group.system.as_str()).collect();
    match codes.get(..MAX_LISTED) {
        None if codes.is_empty() => format!("this code must be from the value set {value_set}"),
        None => format!("this code must be one of {}", codes.join(", ")),
        Some(first) => {
            format!("this code must be one of the {} of {}: {} …", codes.len(), systems.join(", "), first.join(", "))
        }
    }
}

/// Checks that the code system of a Coding has its code, where the code system is at hand.
pub(super) fn check_coding(
    map: &Map<String, Value>,
    path: &Path<'_>,
    validation: Validation<'_>,
    findings: &mut Findings,
) {
    let text = |key: &str| map.get(key).and_then(Value::as_str);
    let (Some(system), Some(code)) = (text("system"), text("code")) else { return };
    if validation.profiles.library().has_code(system, code) == Membership::Out {
        let text = format!("{system} has no such code, in the version that is here");
        findings.warning(Category::CodeInvalid, path, text);
    }
}
