//! Which profiles a resource meets as it stands, for `meta.profile` of what leaves: those of US Core 7.0.0 for what it is
//! (https://hl7.org/fhir/us/core/STU7/profiles-and-extensions.html), and those it claims.

use std::sync::Arc;

use serde_json::{Value, json};

use super::compiled::Profiles;
use super::implied::claims;
use super::validate::validate_as;
use crate::fhir::Resource;
use crate::problem::Problem;

const US_CORE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-";
const LOINC: &str = "http://loinc.org";

/// Types that have one profile, named like them.
const OF_TYPE: [&str; 18] = [
    "AllergyIntolerance",
    "CarePlan",
    "CareTeam",
    "Coverage",
    "DocumentReference",
    "Encounter",
    "Goal",
    "Immunization",
    "Location",
    "MedicationRequest",
    "Organization",
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "Procedure",
    "Provenance",
    "RelatedPerson",
    "ServiceRequest",
];

/// Types whose profile goes by category.
const OF_CATEGORY: [(&str, &str, &str); 5] = [
    ("Condition", "problem-list-item", "condition-problems-health-concerns"),
    ("Condition", "health-concern", "condition-problems-health-concerns"),
    ("Condition", "encounter-diagnosis", "condition-encounter-diagnosis"),
    ("Observation", "vital-signs", "vital-signs"),
    ("Observation", "laboratory", "observation-lab"),
];

/// Observations whose profile goes by their LOINC code.
const OF_CODE: [(&str, &str); 12] = [
    ("85354-9", "blood-pressure"),
    ("96607-7", "average-blood-pressure"),
    ("59408-5", "pulse-oximetry"),
    ("8867-4", "heart-rate"),
    ("9279-1", "respiratory-rate"),
    ("8310-5", "body-temperature"),
    ("29463-7", "body-weight"),
    ("8302-2", "body-height"),
    ("39156-5", "bmi"),
    ("9843-4", "head-circumference"),
    ("82810-3", "observation-pregnancystatus"),
    ("72166-2", "smokingstatus"),
];

/// The US Core profiles that a resource may be meant for, by its type, category and code.
fn candidates(resource: &Resource) -> Vec<String> {
    let kind = resource.resource_type();
    let by_type = OF_TYPE.contains(&kind).then(|| kind.to_lowercase());
    let categories = resource.codings("category");
    let by_category = OF_CATEGORY
        .iter()
        .filter(|(of, category, _)| *of == kind && categories.iter().any(|(_, code)| code == category));
    let codes = if kind == "Observation" { resource.codings("code") } else { Vec::new() };
    let by_code = OF_CODE.iter().filter(|(code, _)| codes.contains(&(LOINC, code)));
    let exact: Vec<&str> = by_code.map(|(_, profile)| *profile).collect();
    let names = if exact.is_empty() { by_category.map(|(_, _, profile)| *profile).collect() } else { exact };
    let mut urls: Vec<String> =
        by_type.iter().map(String::as_str).chain(names).map(|name| format!("{US_CORE}{name}")).collect();
    urls.dedup();
    urls
}

/// The US Core profiles that resources of a type are held to: `supportedProfile` of a CapabilityStatement.
pub fn us_core_profiles(kind: &str) -> Vec<String> {
    let by_type = OF_TYPE.contains(&kind).then(|| kind.to_lowercase());
    let by_category = OF_CATEGORY.iter().filter(|(of, _, _)| *of == kind).map(|(_, _, name)| *name);
    let by_code = OF_CODE.iter().filter(|_| kind == "Observation").map(|(_, name)| *name);
    let mut urls: Vec<String> = by_type
        .iter()
        .map(String::as_str)
        .chain(by_category)
        .chain(by_code)
        .map(|name| format!("{US_CORE}{name}"))
        .collect();
    urls.dedup();
    urls
}

/// Says in `meta.profile` which profiles the resource meets. A claim of a profile that is not at hand is its maker's and stays.
pub fn claim_what_is_met(resource: &mut Resource, profiles: &Profiles) {
    let fingerprint = profiles.met.fingerprint(resource, []);
    let met = profiles.met.found(&fingerprint).unwrap_or_else(|| {
        let met: Arc<[String]> = those_met(resource, profiles).into();
        profiles.met.remember(fingerprint, Arc::clone(&met));
        met
    });
    if claims(resource.as_map()).eq(met.iter().map(String::as_str)) {
        return;
    }
    let meta = resource.as_map_mut().entry("meta").or_insert_with(|| json!({}));
    // Nothing lost: `meta` is an object, or the resource would not have been read.
    let Value::Object(meta) = meta else { return };
    if met.is_empty() {
        meta.shift_remove("profile");
    } else {
        meta.insert("profile".to_string(), json!(&met[..]));
    }
}

/// The profiles that it meets, of those it claims and those it may be meant for.
fn those_met(resource: &Resource, profiles: &Profiles) -> Vec<String> {
    let claimed: Vec<String> = claims(resource.as_map()).map(str::to_string).collect();
    let mut asked = claimed.clone();
    asked.extend(candidates(resource).into_iter().filter(|url| !claimed.contains(url)));
    let is_met = |url: &String| {
        let is_known = profiles.get(url).is_some();
        (!is_known && claimed.contains(url))
            || (is_known && !validate_as(resource, std::slice::from_ref(url), profiles).iter().any(Problem::is_error))
    };
    asked.into_iter().filter(is_met).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(resource: Value) -> Vec<String> {
        let mut resource = Resource::try_from(resource).unwrap();
        claim_what_is_met(&mut resource, Profiles::built_in());
        let short = |url: &str| url.rsplit('/').next().unwrap_or_default().to_string();
        claims(resource.as_map()).map(short).collect()
    }

    fn pulse(codes: &[&str]) -> Value {
        let codings: Vec<Value> = codes.iter().map(|code| json!({ "system": LOINC, "code": code })).collect();
        json!({
            "resourceType": "Observation", "status": "final", "subject": { "reference": "Patient/1" },
            "category": [{ "coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"
            }] }],
            "code": { "coding": codings }, "effectiveDateTime": "2026-03-01T10:00:00Z",
            "valueQuantity": { "value": 93, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%" },
        })
    }

    #[test]
    fn a_resource_claims_what_it_meets_and_nothing_else() {
        assert_eq!(met(pulse(&["59408-5", "2708-6"])), ["us-core-pulse-oximetry"]);
        assert!(met(pulse(&["59408-5"])).is_empty(), "the profile asks for both codes");
        assert_eq!(met(pulse(&["20564-1"])), ["us-core-vital-signs"]);
        let patient = json!({ "resourceType": "Patient", "identifier": [{ "system": "urn:example", "value": "4711" }],
            "name": [{ "family": "Doe" }], "gender": "female" });
        assert_eq!(met(patient.clone()), ["us-core-patient"]);
        let mut nameless = patient;
        nameless.as_object_mut().unwrap().shift_remove("name");
        assert!(met(nameless).is_empty());
    }

    #[test]
    fn a_claim_that_no_longer_holds_is_taken_back_and_one_that_nobody_can_check_stays() {
        let mut pulse = pulse(&["59408-5"]);
        pulse["meta"] =
            json!({ "profile": [format!("{US_CORE}pulse-oximetry"), "http://example.org/StructureDefinition/none"] });
        assert_eq!(met(pulse), ["none"]);
    }
}
