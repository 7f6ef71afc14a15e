//! Whose a resource is and what its id will be: pure functions from business identifiers to ids, so that the same
//! thing said twice, late or by another message gets the same id.

mod assign;
mod candidate;
mod id;
mod reference;

pub use assign::{Identified, assign, assign_known, id_of};
pub use candidate::{Chosen, candidates, choose_person};
pub use id::{IdError, PersonId, ResourceId};
