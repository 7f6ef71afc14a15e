//! The ways in: checks a whole resource, with what is contained in it (http://hl7.org/fhir/R4/validation.html), against
//! R4 core, the profiles it claims and those that are asked for. Does not check whether references exist elsewhere.

use super::check::{check_profile, conforms};
use super::compiled::Profiles;
use super::contained::Contained;
use super::implied::claims;
use super::place::{Findings, Path};
use super::structure::check_resource;
use super::validation::{Asking, Validation};
use crate::fhir::Resource;
use crate::fhir::path::Element;
use crate::problem::Problem;

/// All errors of a resource against R4 core. None means that it is valid as far as that goes.
pub fn validate(resource: &Resource) -> Vec<Problem> {
    start(resource, &[], Profiles::built_in(), false, false, 0)
}

/// All errors of a draft's resource against R4 core and the profiles asked for. Its references to other drafts are written
/// `#Observation.3`. What had none lately has none now: it is not looked at again.
pub fn validate_draft(resource: &Resource, asked: &[String], profiles: &Profiles) -> Vec<Problem> {
    let fingerprint = profiles.faultless.fingerprint(resource, asked.iter().map(String::as_str));
    if profiles.faultless.knows(&fingerprint) {
        return Vec::new();
    }
    let found = start(resource, asked, profiles, true, false, 0);
    if found.is_empty() {
        profiles.faultless.learn(fingerprint);
    }
    found
}

/// All errors of a resource against R4 core and some profiles, whatever it claims itself.
pub(super) fn validate_as(resource: &Resource, asked: &[String], profiles: &Profiles) -> Vec<Problem> {
    start(resource, asked, profiles, false, false, 0)
}

/// All faults of a resource against R4 core, the profiles that it and what it holds claim in `meta.profile`, and those
/// asked for, by their canonical URLs. Errors make it invalid; warnings are advice; information says what could not be
/// checked, because a definition is not at hand.
pub fn validate_against(resource: &Resource, asked: &[String], profiles: &Profiles) -> Vec<Problem> {
    start(resource, asked, profiles, false, true, 0)
}

/// How parts ask for the whole.
const ASKING: Asking = Asking {
    resource: |resource, canonical, profiles, depth| {
        let found = start(resource, &[canonical.to_string()], profiles, false, false, depth);
        !found.iter().any(Problem::is_error)
    },
    element: conforms,
};

fn start(
    resource: &Resource,
    asked: &[String],
    profiles: &Profiles,
    is_draft: bool,
    is_thorough: bool,
    depth: u32,
) -> Vec<Problem> {
    let mut findings = Findings::default();
    let map = resource.as_map();
    let contained = Contained::of(map);
    let validation = Validation {
        root: map,
        resource: Element::untyped(map),
        is_draft,
        is_thorough,
        profiles,
        bundle: None,
        contained: Some(&contained),
        asking: ASKING,
        depth,
    };
    let path = Path::root(resource.resource_type());
    if check_resource(map, validation, &path, &mut findings) {
        for canonical in asked.iter().filter(|asked| !is_thorough || !claims(map).any(|own| own == asked.as_str())) {
            check_profile(Element::untyped(map), canonical, &path, validation, &mut findings);
        }
    }
    findings.finish()
}
