//! Profiles that a resource must meet though nobody claims them: R4 asks its vital signs profiles of every Observation with such a
//! code (http://hl7.org/fhir/R4/observation-vitalsigns.html: "magic" LOINC codes).

use serde_json::{Map, Value, json};

use super::compiled::{Profiles, short_name};

const LOINC: &str = "http://loinc.org";

const CATEGORIES: &str = "http://terminology.hl7.org/CodeSystem/observation-category";
const VITAL_SIGN: &str = "vital-signs";

/// The code, and R4's profile for it.
const VITAL_SIGNS: [(&str, &str); 10] = [
    ("85353-1", "vitalspanel"),
    ("9279-1", "resprate"),
    ("8867-4", "heartrate"),
    ("2708-6", "oxygensat"),
    ("8310-5", "bodytemp"),
    ("8302-2", "bodyheight"),
    ("9843-4", "headcircum"),
    ("29463-7", "bodyweight"),
    ("39156-5", "bmi"),
    ("85354-9", "bp"),
];

/// Those that say of all vital signs what they have in common.
const COMMON: [&str; 2] = ["vitalsigns", "us-core-vital-signs"];
const MAX_BASES: usize = 16;

/// The canonical URLs of the profiles that a resource must meet by what it is. One that claims a profile of its own for its vital sign
/// has said it more exactly.
pub(super) fn implied(resource: &Map<String, Value>, profiles: &Profiles) -> Vec<String> {
    if resource.get("resourceType").and_then(Value::as_str) != Some("Observation")
        || claims(resource).any(|claim| is_of_a_vital_sign(claim, profiles))
    {
        return Vec::new();
    }
    let known = by_code(resource);
    let mut found: Vec<String> =
        known.map(|profile| format!("http://hl7.org/fhir/StructureDefinition/{profile}")).collect();
    found.dedup();
    found
}

fn by_code(resource: &Map<String, Value>) -> impl Iterator<Item = &'static str> {
    let codings = resource.get("code").and_then(|code| code.get("coding")).and_then(Value::as_array);
    let codes = codings.into_iter().flatten().filter(|coding| coding["system"] == LOINC);
    let codes: Vec<&str> = codes.filter_map(|coding| coding.get("code").and_then(Value::as_str)).collect();
    VITAL_SIGNS.iter().filter(move |(code, _)| codes.contains(code)).map(|(_, profile)| *profile)
}

/// Gives an Observation that is a vital sign by its code the category that R4 asks of it, where its sender left it out. Returns whether
/// it lacked it.
pub fn add_vital_sign_category(resource: &mut Map<String, Value>) -> bool {
    let is_observation = resource.get("resourceType").and_then(Value::as_str) == Some("Observation");
    if !is_observation || by_code(resource).next().is_none() {
        return false;
    }
    let categories = resource.entry("category").or_insert_with(|| json!([]));
    let Some(categories) = categories.as_array_mut() else { return false };
    let codings = categories.iter().filter_map(|category| category.get("coding")?.as_array()).flatten();
    if codings.into_iter().any(|coding| coding["system"] == CATEGORIES && coding["code"] == VITAL_SIGN) {
        return false;
    }
    categories.push(json!({ "coding": [{ "system": CATEGORIES, "code": VITAL_SIGN, "display": "Vital Signs" }] }));
    true
}

fn is_of_a_vital_sign(claim: &str, profiles: &Profiles) -> bool {
    let is_common = |url: &str| COMMON.iter().any(|name| short_name(url) == *name);
    let mut url = claim.to_string();
    for _ in 0..MAX_BASES {
        let Some(profile) = profiles.library().profile(&url).filter(|_| !is_common(claim)) else { return false };
        if is_common(&profile.base) {
            return true;
        }
        url.clone_from(&profile.base);
    }
    false
}

/// The profiles that a resource says it meets.
pub(super) fn claims(map: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let claimed = map.get("meta").and_then(|meta| meta.get("profile")).and_then(Value::as_array);
    claimed.into_iter().flatten().filter_map(Value::as_str)
}
