//! Whose chart is open: our own id in the context, or the identifiers of the prefetched patient.

use actix_web::http::StatusCode;

use super::request::HookRequest;
use crate::fhir::Resource;
use crate::identity::{PersonId, ResourceId};
use crate::pipeline::persons_named;
use crate::problem::Category;
use crate::store::Store;
use crate::web::answer::Fault;

/// Identifiers of one patient that are looked up.
const IDENTIFIERS: usize = 50;

/// The record, when there is one and only one. 412 when the request does not say enough to look for it.
pub async fn find(store: &dyn Store, request: &HookRequest) -> Result<Option<PersonId>, Fault> {
    let own: Option<ResourceId> = request.context.patient_id.trim_start_matches("Patient/").parse().ok();
    if let Some(id) = own.filter(|id| *id == ResourceId::patient(id.person)) {
        return Ok(Some(id.person));
    }
    let Some(patient) = request.patient().and_then(|patient| Resource::try_from(patient.clone()).ok()) else {
        let text = "the patient is not known by this id; send prefetch.patient with its identifiers";
        return Err(Fault::new(StatusCode::PRECONDITION_FAILED, Category::Required, text));
    };
    let mut identifiers = patient.identifiers();
    identifiers.truncate(IDENTIFIERS);
    if identifiers.is_empty() {
        return Ok(None);
    }
    let found = persons_named(store, &identifiers).await?;
    // Identifiers that lead to two records are a question of identity, not one to answer with a card.
    Ok(found.first().copied().filter(|_| found.len() == 1))
}
