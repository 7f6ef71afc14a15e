//! The panels that a patient is on today, by any identifier that leads to the record: what every exit that does not read the
//! whole record is decided with.

use crate::fhir::Identifier;
use crate::identity::{PersonId, ResourceId};
use crate::store::{Store, StoreError};

/// The panels of a patient; what belongs to no patient is on none.
pub async fn panels_of(store: &dyn Store, person: PersonId) -> Result<Vec<String>, StoreError> {
    let identifiers = identifiers_of(store, person).await?;
    if identifiers.is_empty() {
        return Ok(Vec::new());
    }
    let memberships = store.memberships(&identifiers).await?;
    Ok(memberships.into_iter().map(|membership| membership.panel).collect())
}

async fn identifiers_of(store: &dyn Store, person: PersonId) -> Result<Vec<Identifier>, StoreError> {
    if person == PersonId::SHARED {
        return Ok(Vec::new());
    }
    let mut at = person;
    // A merge leads to a record that itself may have been merged since; a bound keeps a fault from turning in circles.
    for _ in 0..16 {
        let Some(head) = store.head(at).await? else { break };
        match head.merged_into {
            Some(next) => at = next,
            None => {
                let patient = store.resource("Patient", ResourceId::patient(at)).await?;
                let stated = patient.map(|patient| patient.resource.identifiers()).unwrap_or_default();
                return Ok(head.identifiers.into_iter().chain(stated).collect());
            }
        }
    }
    Ok(Vec::new())
}
