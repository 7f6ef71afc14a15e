//! Who is meant by a number: whoever's record has it, or is listed on a panel under it. What a partner was sent names a patient by
//! the partner's own number, and it is what the partner says back.

use std::collections::BTreeSet;

use crate::fhir::Identifier;
use crate::identity::PersonId;
use crate::store::{Store, StoreError};

/// The records that these numbers lead to, each once. Several are a question of identity.
pub async fn persons_named(store: &dyn Store, identifiers: &[Identifier]) -> Result<BTreeSet<PersonId>, StoreError> {
    let listed = store.memberships(identifiers).await?;
    let mut all: BTreeSet<Identifier> = identifiers.iter().cloned().collect();
    all.extend(listed.into_iter().flat_map(|membership| membership.identifiers));
    let found = store.persons_of(&all.into_iter().collect::<Vec<_>>()).await?;
    Ok(found.into_iter().flatten().collect())
}
