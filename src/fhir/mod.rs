//! FHIR R4: resources as JSON behind a thin type, references, identifiers and drafts.

mod draft;
mod identifier;
mod outcome;
mod resource;

pub use draft::{Draft, Scope};
pub use identifier::Identifier;
pub use outcome::operation_outcome;
pub use resource::Resource;
