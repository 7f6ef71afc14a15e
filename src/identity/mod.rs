//! Whose a resource is and what its id will be: pure functions from business identifiers to ids, so that the same
//! thing said twice, late or by another message gets the same id.

mod id;

pub use id::{IdError, PersonId, ResourceId};
