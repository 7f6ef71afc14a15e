//! What every exit that does not read the whole record is decided with: the panels that a patient is on today, by any identifier
//! that leads to the record or that it states, and the labels of a protected patient, which all that is told of them has.

use serde_json::Value;

use crate::agreement::protection;
use crate::fhir::{Identifier, Resource};
use crate::identity::{PersonId, ResourceId};
use crate::store::{Store, StoreError};

/// A patient as far as an exit has to know them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Covered {
    pub panels: Vec<String>,
    /// The labels of the patient that go on to everything of theirs, however old: what was not read when the flag came does
    /// not have them.
    pub protection: Vec<Value>,
}

/// A patient's panels and protection; what belongs to no patient is on none and has none.
pub async fn covered(store: &dyn Store, person: PersonId) -> Result<Covered, StoreError> {
    let (identifiers, protection) = patients(store, person).await?;
    if identifiers.is_empty() {
        return Ok(Covered { panels: Vec::new(), protection });
    }
    let memberships = store.memberships(&identifiers).await?;
    Ok(Covered { panels: memberships.into_iter().map(|membership| membership.panel).collect(), protection })
}

/// The visits that an Observation belongs to. One that is older than what is read of a record does not have the labels that
/// protect them; everything else is read with its record, and has.
pub fn visits_of(resource: &Resource) -> Vec<ResourceId> {
    if resource.resource_type() != "Observation" {
        return Vec::new();
    }
    let references = resource.references().into_iter();
    // Nothing lost: what is no id of ours is no visit of ours.
    references.filter_map(|reference| reference.strip_prefix("Encounter/")?.parse().ok()).collect()
}

/// The labels of a visit that go on to everything that belongs to it.
pub async fn protection_of_visit(store: &dyn Store, visit: ResourceId) -> Result<Vec<Value>, StoreError> {
    let Some(stored) = store.resource("Encounter", visit).await? else { return Ok(Vec::new()) };
    // What turned out to be the same as another visit gave that one its labels.
    let by = match stored.state.superseded {
        Some(by) => store.resource("Encounter", by).await?,
        None => None,
    };
    Ok([Some(stored), by].iter().flatten().flat_map(|visit| protection(&visit.resource)).collect())
}

/// The identifiers of all that was merged into one, and what protects any of them.
async fn patients(store: &dyn Store, person: PersonId) -> Result<(Vec<Identifier>, Vec<Value>), StoreError> {
    let (mut identifiers, mut protections) = (Vec::new(), Vec::new());
    let Some(head) = head(store, person).await? else { return Ok((identifiers, protections)) };
    identifiers.extend(head.identifiers.iter().cloned());
    for one in head.family() {
        if let Some(patient) = store.resource("Patient", ResourceId::patient(one)).await? {
            identifiers.extend(patient.resource.identifiers());
            protections.extend(protection(&patient.resource));
        }
    }
    Ok((identifiers, protections))
}

/// The head of the record that everything about somebody goes to.
async fn head(store: &dyn Store, person: PersonId) -> Result<Option<crate::record::Head>, StoreError> {
    if person == PersonId::SHARED {
        return Ok(None);
    }
    let mut at = person;
    // A merge leads to a record that itself may have been merged since; a bound keeps a fault from turning in circles.
    for _ in 0..16 {
        let Some(head) = store.head(at).await? else { return Ok(None) };
        match head.merged_into {
            Some(next) => at = next,
            None => return Ok(Some(head)),
        }
    }
    Ok(None)
}
