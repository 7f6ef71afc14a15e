//! A record and those it absorbed, brought into one: everything refers to the surviving patient, and what was stated
//! under both as one thing (a visit that went on after the merge) is one resource.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::State;
use super::working::{Key, Working};
use crate::fhir::Resource;
use crate::identity::{PersonId, ResourceId};

/// Where a thing that would have this key lives by now.
pub(super) fn live_key(working: &Working<'_>, key: &Key, family: &BTreeSet<PersonId>) -> Key {
    let is_live = |key: &Key| working.current(key).is_some_and(|(_, state)| state.superseded.is_none());
    if working.current(key).is_none_or(|(_, state)| state.superseded.is_none()) {
        return key.clone();
    }
    let alike = family.iter().map(|person| (key.0.clone(), ResourceId { person: *person, local: key.1.local }));
    alike.into_iter().find(is_live).unwrap_or_else(|| key.clone())
}

/// Unites and rewrites until the record reads as if it had always been one. Nothing to do for one that absorbed none.
pub(super) fn settle(working: &mut Working<'_>, survivor: PersonId, family: &BTreeSet<PersonId>) {
    if family.len() < 2 {
        return;
    }
    let mut moved = unite(working, survivor, family);
    let patient = |person: PersonId| format!("Patient/{}", ResourceId::patient(person));
    for person in family.iter().filter(|person| **person != survivor) {
        moved.insert(patient(*person), patient(survivor));
    }
    for key in working.keys_of(family) {
        // Links between Patients say who replaced whom; they are the one reference that a merge must not move.
        if key.0 == "Patient" {
            // Nothing lost: links between Patients say who replaced whom, and stay.
            continue;
        }
        // Nothing lost: only keys that are there are asked for.
        let Some((resource, state)) = working.current(&key) else { continue };
        let (mut resource, state) = (resource.clone(), state.clone());
        let mut touched = false;
        resource.rewrite_references(&mut |reference| {
            let new = moved.get(reference).cloned();
            touched |= new.is_some();
            new
        });
        if touched {
            working.put(key, resource, state);
        }
    }
}

/// Things with one key under several records become one resource: under the survivor's id when they were stated under more
/// than one, so that the same messages in another order choose the same id. Returns which references moved where.
fn unite(working: &mut Working<'_>, survivor: PersonId, family: &BTreeSet<PersonId>) -> BTreeMap<String, String> {
    let mut groups: BTreeMap<(String, [u8; 10]), Vec<ResourceId>> = BTreeMap::new();
    for (kind, id) in working.keys_of(family) {
        if kind != "Patient" {
            groups.entry((kind, id.local)).or_default().push(id);
        }
    }
    let mut moved = BTreeMap::new();
    for ((kind, local), ids) in groups {
        let key = |id: ResourceId| (kind.clone(), id);
        let live: Vec<ResourceId> = ids
            .iter()
            .copied()
            .filter(|id| working.current(&key(*id)).is_some_and(|(_, state)| state.superseded.is_none()))
            .collect();
        let joined = live.iter().filter_map(|id| working.fragment(&key(*id))).reduce(|one, other| one.join(other));
        // Nothing lost: nothing is left of it to join.
        let Some(joined) = joined else { continue };
        let mut origins = joined.origins.iter().copied();
        let person = match (origins.next(), origins.next()) {
            (Some(only), None) => only,
            _ => survivor,
        };
        let target = ResourceId { person, local };
        if live != [target] {
            let (resource, state) = joined.settle(person);
            working.put(key(target), resource, state);
            for old in live.iter().filter(|old| **old != target) {
                supersede(working, key(*old), target);
            }
        }
        for old in ids.iter().filter(|old| **old != target) {
            moved.insert(format!("{kind}/{old}"), format!("{kind}/{target}"));
        }
    }
    moved
}

/// Leaves a resource behind that says it was recorded twice. It gives up its identifiers: they find the other one.
fn supersede(working: &mut Working<'_>, key: Key, by: ResourceId) {
    // Nothing lost: only what is there is superseded.
    let Some((resource, _)) = working.current(&key) else { return };
    let mut resource = resource.clone();
    resource.remove("identifier");
    retract(&mut resource);
    working.put(key, resource, State { superseded: Some(by), ..State::default() });
}

/// Marks a resource as entered in error, in the way of its type.
pub fn retract(resource: &mut Resource) {
    let concept = |system: &str| json!({ "coding": [{ "system": system, "code": "entered-in-error" }] });
    match resource.resource_type() {
        "Condition" => {
            resource.remove("clinicalStatus");
            let system = "http://terminology.hl7.org/CodeSystem/condition-ver-status";
            resource.set("verificationStatus", concept(system));
        }
        "AllergyIntolerance" => {
            resource.remove("clinicalStatus");
            let system = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification";
            resource.set("verificationStatus", concept(system));
        }
        "Goal" => resource.set("lifecycleStatus", json!("entered-in-error")),
        "RelatedPerson" => resource.set("active", json!(false)),
        "Binary" => {
            resource.remove("data");
        }
        "Appointment"
        | "CarePlan"
        | "CareTeam"
        | "Communication"
        | "Coverage"
        | "DiagnosticReport"
        | "DocumentReference"
        | "Encounter"
        | "EpisodeOfCare"
        | "Flag"
        | "Immunization"
        | "MedicationRequest"
        | "MedicationStatement"
        | "Observation"
        | "Procedure"
        | "QuestionnaireResponse"
        | "ServiceRequest"
        | "Task" => {
            resource.set("status", json!("entered-in-error"));
        }
        // Nothing lost: other types have no status that says so.
        _ => {}
    }
}
