//! What every exit that does not read the whole record is decided with: the panels that a patient is on today, by any identifier
//! that leads to the record or that it states, and the labels of a protected patient, which all that is told of them has.

use serde_json::Value;

use crate::agreement::protection;
use crate::fhir::{Identifier, Resource};
use crate::identity::{PersonId, ResourceId};
use crate::record::{Head, Stored};
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
    covered_with(store, person, None).await.map(|(covered, _)| covered)
}

/// The same with one more resource, read with the patient.
pub async fn covered_with(
    store: &dyn Store,
    person: PersonId,
    also: Option<(String, ResourceId)>,
) -> Result<(Covered, Option<Stored>), StoreError> {
    let head = head(store, person).await?;
    let family = head.iter().flat_map(Head::family);
    let patients: Vec<(String, ResourceId)> =
        family.map(|person| ("Patient".to_string(), ResourceId::patient(person))).collect();
    let others = also.iter().filter(|key| !patients.contains(key));
    let keys: Vec<(String, ResourceId)> = patients.iter().chain(others).cloned().collect();
    let key_of = |stored: &Stored| (stored.resource.resource_type().to_string(), stored.id);
    let mut found = store.resources(&keys).await?;
    let place = found.iter().position(|stored| also.as_ref() == Some(&key_of(stored)));
    let asked = match place {
        Some(place) if found.get(place).is_some_and(|stored| patients.contains(&key_of(stored))) => {
            found.get(place).cloned()
        }
        Some(place) => Some(found.swap_remove(place)),
        None => None,
    };
    let own = head.iter().flat_map(|head| head.identifiers.clone());
    let identifiers: Vec<Identifier> =
        own.chain(found.iter().flat_map(|patient| patient.resource.identifiers())).collect();
    let protection = found.iter().flat_map(|patient| protection(&patient.resource)).collect();
    let memberships = if identifiers.is_empty() { Vec::new() } else { store.memberships(&identifiers).await? };
    let panels = memberships.into_iter().map(|membership| membership.panel).collect();
    Ok((Covered { panels, protection }, asked))
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

/// The records that are one with somebody's: what was said of them lies in any of these.
pub async fn family_of(store: &dyn Store, person: PersonId) -> Result<Vec<PersonId>, StoreError> {
    let head = head(store, person).await?;
    Ok(head.map_or_else(|| vec![person], |head| head.family().collect()))
}

/// The head of the record that everything about somebody goes to.
async fn head(store: &dyn Store, person: PersonId) -> Result<Option<Head>, StoreError> {
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
