//! Handover's own profiles (`profiles/handover`): what the Tasks, Flags, CarePlans and Provenances that protocols make
//! keep to, so that partners can count on it.

use super::compiled::Profiles;
use super::validate::validate_as;
use crate::fhir::Resource;
use crate::problem::Problem;

const BASE: &str = "https://handover.health/StructureDefinition/";

/// The profile that what Handover makes of a type keeps to; none for what it only passes on.
pub fn own_profile(resource: &Resource) -> Option<String> {
    let alert = format!("{BASE}handover-alert");
    let claimed = resource.get("meta").and_then(|meta| meta.get("profile")?.as_array());
    let is_alert = claimed.into_iter().flatten().any(|url| url.as_str() == Some(&alert));
    let name = match resource.resource_type() {
        "Task" if is_alert => "handover-alert",
        "Task" => "handover-task",
        "Flag" => "handover-flag",
        "CarePlan" => "handover-care-plan",
        "Provenance" => "handover-provenance",
        _ => return None,
    };
    Some(format!("{BASE}{name}"))
}

/// All errors of a resource that a protocol made, against R4 core and the profile of Handover's own.
pub fn validate_own(resource: &Resource) -> Vec<Problem> {
    let profiles: Vec<String> = own_profile(resource).into_iter().collect();
    validate_as(resource, &profiles, Profiles::built_in())
}
