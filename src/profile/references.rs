//! References (http://hl7.org/fhir/R4/references.html): the type they point at must be one the element allows, and what
//! they say is contained must be there. Whether anything outside the resource or its bundle exists is not known here.

use serde_json::{Map, Value};

use super::implied::claims;
use super::place::{Findings, Path};
use super::site::Site;
use super::validation::Validation;
use crate::fhir::definition::{Definitions, ElementDefinition, profile_url, split_version, type_of_url};
use crate::fhir::path::Element;
use crate::problem::Category;

/// The one cause when a reference points at a type that it may not.
const TARGET: &str = "target";

/// What a reference points at, as far as it tells.
enum Pointed<'a> {
    Resource(&'a Map<String, Value>),
    Type(&'a str),
    Unknown,
    /// What should be contained, or an entry of the same bundle, and is not.
    Nothing(&'static str),
}

/// Checks a reference against R4's own definition of the element.
pub(super) fn check(
    map: &Map<String, Value>,
    element: &ElementDefinition,
    path: &Path<'_>,
    validation: Validation<'_>,
    findings: &mut Findings,
) {
    let pointed = match pointed(map, validation) {
        Pointed::Nothing(text) => {
            findings.error(Category::NotFound, path, text);
            return;
        }
        pointed => pointed.type_name(),
    };
    if map.get("reference").and_then(Value::as_str).is_some_and(|reference| !is_reference(reference)) {
        let text = "a reference is Type/id, a URL, # and the id of something contained, or Type?query in a transaction";
        findings.error(Category::Value, &path.child("reference"), text);
        return;
    }
    let allowed = element.types.iter().find(|kind| kind.code == "Reference").map(|kind| kind.targets.as_slice());
    let allowed = allowed.unwrap_or_default();
    for name in [pointed, map.get("type").and_then(Value::as_str)].into_iter().flatten() {
        if !allowed.is_empty() && !allowed.iter().any(|target| target == name || target == "Resource") {
            let text = format!("this reference may point at {}, not at {name}", allowed.join(", "));
            findings.error_once(TARGET, Category::Structure, path, text);
            return;
        }
    }
}

/// Checks a reference against the types and profiles that a profile lets it point at.
pub(super) fn check_targets<'a>(
    element: Element<'a>,
    targets: &[String],
    site: &Site<'_>,
    validation: Validation<'a>,
    findings: &mut Findings,
) {
    let Some(map) = element.as_map() else { return };
    let pointed = pointed(map, validation);
    let named = map.get("type").and_then(Value::as_str);
    let Some(name) = pointed.type_name().or(named) else { return };
    let profile = site.profile.name();
    // A target whose type is not known here may be of any.
    let of_type =
        |target: &&String| target_type(target, validation).is_none_or(|kind| Definitions::r4().is_subtype(name, &kind));
    let fitting: Vec<&String> = targets.iter().filter(of_type).collect();
    if fitting.is_empty() {
        let text = format!("this reference may point at {}, not at {name} ({profile})", targets.join(", "));
        findings.error_once(TARGET, Category::Structure, &site.path, text);
        return;
    }
    // What is pointed at is looked at once, not followed further.
    let Pointed::Resource(found) = pointed else { return };
    if validation.depth > 1 {
        return;
    }
    // One that claims to fit is checked where it stands, and its faults are said there.
    let fits = |claim: &str| fitting.iter().any(|target| profile_url(target) == split_version(claim).0);
    if validation.is_thorough && claims(found).any(fits) {
        return;
    }
    let deeper = Validation { depth: validation.depth + 2, ..validation };
    if !fitting.iter().any(|target| deeper.meets(Element::untyped(found), &profile_url(target))) {
        let names: Vec<&str> = fitting.iter().map(|target| target.as_str()).collect();
        let text = format!("what this points at does not meet {} ({profile})", names.join(" or "));
        findings.error(Category::Structure, &site.path, text);
    }
}

fn target_type(target: &str, validation: Validation<'_>) -> Option<String> {
    let url = profile_url(target);
    match type_of_url(&url) {
        Some(name) => Some(name.to_string()),
        None => validation.profiles.library().profile(&url).map(|profile| profile.type_name.clone()),
    }
}

impl<'a> Pointed<'a> {
    fn type_name(&self) -> Option<&'a str> {
        match self {
            Self::Resource(map) => map.get("resourceType").and_then(Value::as_str),
            Self::Type(name) => Some(name),
            Self::Unknown | Self::Nothing(_) => None,
        }
    }
}

fn pointed<'a>(map: &'a Map<String, Value>, validation: Validation<'a>) -> Pointed<'a> {
    let Some(reference) = map.get("reference").and_then(Value::as_str) else { return Pointed::Unknown };
    if let Some(id) = reference.strip_prefix('#') {
        return contained(id, validation);
    }
    let known = type_in(reference).map_or(Pointed::Unknown, Pointed::Type);
    let Some(bundle) = validation.bundle else { return known };
    match bundle.resolve(reference, bundle.full_url(validation.root)) {
        Some(found) => Pointed::Resource(found),
        None if bundle.must_hold(reference) => Pointed::Nothing("no entry of this bundle has that URL as its fullUrl"),
        None => known,
    }
}

/// A contained resource, or another draft by its local name.
fn contained<'a>(id: &'a str, validation: Validation<'a>) -> Pointed<'a> {
    if id.is_empty() && validation.is_contained() {
        return Pointed::Resource(validation.root);
    }
    if id.is_empty() {
        return Pointed::Nothing("`#` is what contains this, and this is not contained");
    }
    if let Some(found) = validation.contained.and_then(|contained| contained.get(id)) {
        return Pointed::Resource(found);
    }
    match id.split('.').next().filter(|name| validation.is_draft && Definitions::r4().is_resource(name)) {
        Some(name) => Pointed::Type(name),
        None => Pointed::Nothing("nothing contained in this resource has that id"),
    }
}

/// Whether a literal reference is of a form that R4 has. What has a scheme may be of any.
fn is_reference(reference: &str) -> bool {
    let is_scheme =
        |scheme: &str| scheme.chars().all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter));
    if reference.starts_with('#') || reference.split_once(':').is_some_and(|(scheme, _)| is_scheme(scheme)) {
        return true;
    }
    let is_id = |id: &str| {
        (1..=64).contains(&id.len()) && id.chars().all(|letter| letter.is_ascii_alphanumeric() || "-.".contains(letter))
    };
    let known = Definitions::r4();
    if let Some((name, _)) = reference.split_once('?') {
        return known.is_resource(name);
    }
    match reference.split('/').collect::<Vec<_>>().as_slice() {
        [name, id] => known.is_resource(name) && is_id(id),
        [name, id, "_history", version] => known.is_resource(name) && is_id(id) && is_id(version),
        _ => false,
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
