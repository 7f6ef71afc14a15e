//! Extensions (http://hl7.org/fhir/R4/extensibility.html): a known one is checked against its definition and may stand only
//! where that says; an unknown one is said, and refused where it changes the meaning of what holds it.

use serde_json::{Map, Value};

use super::check::check_profile;
use super::compiled::{Profile, short_name};
use super::errata::further_contexts;
use super::place::{Findings, Path};
use super::validation::Validation;
use crate::fhir::ExtensionContext;
use crate::fhir::definition::{Definitions, TypeDefinition};
use crate::fhir::path::Element;
use crate::problem::Category;

/// Checks the extensions of an object of a type.
pub(super) fn check<'a>(
    holder: &'a Map<String, Value>,
    definition: &'static TypeDefinition,
    path: &Path<'_>,
    validation: Validation<'a>,
    findings: &mut Findings,
) {
    let Some(type_of_extensions) = Definitions::r4().type_definition("Extension") else { return };
    for (name, is_modifier) in [("extension", false), ("modifierExtension", true)] {
        let items = holder.get(name).and_then(Value::as_array).into_iter().flatten();
        for (index, extension) in items.enumerate() {
            let Some(extension) = extension.as_object() else { continue };
            let Some(url) = extension.get("url").and_then(Value::as_str) else { continue };
            let path = path.child(name).at(Some(index));
            // Parts of a complex extension have a URL without a scheme: their definition is that of the whole.
            if !url.contains(':') {
                if definition.name != "Extension" {
                    let text = "the URL of an extension is absolute; only a part of another has a short name";
                    findings.error(Category::Extension, &path.child("url"), text);
                }
                continue;
            }
            let Some(profile) = validation.profiles.get(url) else {
                say_unknown(url, is_modifier, &path, validation, findings);
                continue;
            };
            let own = Element::typed(extension, type_of_extensions);
            if check_place(&profile, is_modifier, (holder, definition), &path, validation, findings) {
                check_context(&profile, Element::typed(holder, definition), own, &path, validation, findings);
            }
            check_profile(own, url, &path, validation, findings);
            check_parts(&profile, extension, &path, findings);
        }
    }
}

/// The parts of a complex extension are those that it defines: what they mean is said nowhere else.
fn check_parts(profile: &Profile, extension: &Map<String, Value>, path: &Path<'_>, findings: &mut Findings) {
    let slices = profile.rules.child("extension").map(|rules| rules.slices.as_slice()).unwrap_or_default();
    let known: Vec<&str> =
        slices.iter().filter_map(|slice| slice.rules.child("url")?.fixed.as_ref()?.as_str()).collect();
    let parts = extension.get("extension").and_then(Value::as_array).into_iter().flatten();
    for (index, part) in parts.enumerate() {
        let own = part.get("url").and_then(Value::as_str).filter(|url| !url.contains(':') && !known.contains(url));
        if own.is_some() && known.len() == slices.len() && profile.missing_base.is_none() {
            let hint =
                if known.is_empty() { "it has none".to_string() } else { format!("it has {}", known.join(", ")) };
            let text = format!("{} has no such part; {hint}", profile.name());
            findings.error(Category::Extension, &path.child("extension").at(Some(index)), text);
        }
    }
}

fn say_unknown(url: &str, is_modifier: bool, path: &Path<'_>, validation: Validation<'_>, findings: &mut Findings) {
    if is_modifier {
        let text = format!(
            "{url} is not known here, and could change the meaning of what it stands on; add the package that defines it, or leave it out"
        );
        findings.error(Category::Extension, path, text);
    } else if validation.is_thorough {
        findings.unknown(path, url, format!("the extension {url} is not known here, so it was not checked"));
    }
}

/// Whether the extension may stand here.
fn check_place(
    profile: &Profile,
    is_modifier: bool,
    holder: (&Map<String, Value>, &TypeDefinition),
    path: &Path<'_>,
    validation: Validation<'_>,
    findings: &mut Findings,
) -> bool {
    if profile.is_modifier != is_modifier {
        let right = if profile.is_modifier { "modifierExtension" } else { "extension" };
        findings.error(Category::Extension, path, format!("{} stands in `{right}`", profile.name()));
    }
    let further = further_contexts(&profile.url).iter().map(|path| ExtensionContext::Element((*path).to_string()));
    let is_allowed = |context: &ExtensionContext| allows(context, holder, path, validation);
    if profile.contexts.is_empty()
        || profile.contexts.iter().any(is_allowed)
        || further.into_iter().any(|it| is_allowed(&it))
    {
        return true;
    }
    let places: Vec<&str> = profile
        .contexts
        .iter()
        .map(|context| match context {
            ExtensionContext::Element(path) | ExtensionContext::FhirPath(path) => path.as_str(),
            ExtensionContext::Extension(url) => short_name(url),
        })
        .collect();
    let text = format!("{} may not stand here, only on {}", profile.name(), places.join(", "));
    findings.error(Category::Extension, path, text);
    false
}

/// What the extension's definition demands of the element that holds it.
fn check_context<'a>(
    profile: &Profile,
    holder: Element<'a>,
    extension: Element<'a>,
    path: &Path<'_>,
    validation: Validation<'a>,
    findings: &mut Findings,
) {
    for invariant in &profile.context_invariants {
        let holds = invariant.expression.as_ref().map(|text| validation.matches_context(holder, extension, text));
        if matches!(holds, Some(Ok(false))) {
            let text = format!("{} may stand here only where {}", profile.name(), invariant.text);
            findings.error(Category::Extension, path, text);
        }
    }
}

fn allows(
    context: &ExtensionContext,
    (holder, definition): (&Map<String, Value>, &TypeDefinition),
    path: &Path<'_>,
    validation: Validation<'_>,
) -> bool {
    match context {
        ExtensionContext::Element(wanted) => {
            let known = Definitions::r4();
            // HL7 itself puts extensions for every Element on resources too.
            if known.is_subtype(&definition.name, wanted) || wanted == "Element" {
                return true;
            }
            // `Patient.birthDate` is an element of a resource, `HumanName.family` one of a type wherever it is used.
            let Some((kind, rest)) = wanted.split_once('.') else { return false };
            let is_type = !known.is_resource(kind)
                || validation.resource.type_name().is_some_and(|own| known.is_subtype(own, kind));
            is_type && without_indexes(&path.to_string()).contains(&format!(".{}.", rest.trim_end_matches("[x]")))
        }
        ExtensionContext::Extension(url) => {
            let own = holder.get("url").and_then(Value::as_str);
            own == Some(url.split('#').next().unwrap_or(url)) || own == url.split_once('#').map(|(_, part)| part)
        }
        // It names places by conditions on the whole resource; those are not told apart here.
        ExtensionContext::FhirPath(_) => true,
    }
}

/// `Patient.name[0].extension[0]` as `Patient.name.extension`.
fn without_indexes(path: &str) -> String {
    let mut inside = false;
    path.chars()
        .filter(|letter| {
            let keep = !inside && *letter != '[';
            inside = (inside || *letter == '[') && *letter != ']';
            keep
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_left_out_of_a_path() {
        assert_eq!(without_indexes("Patient.name[12].given[0].extension[3]"), "Patient.name.given.extension");
    }
}
