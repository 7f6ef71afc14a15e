//! FHIR R4: resources as JSON behind a thin type, references, identifiers and drafts; R4's definitions, value sets and FHIRPath.

pub mod definition;
mod draft;
mod identifier;
mod outcome;
mod resource;
pub mod time;

pub use definition::{Definitions, ElementDefinition, TypeDefinition};
pub use draft::{Draft, Scope};
pub use identifier::Identifier;
pub use outcome::operation_outcome;
pub use resource::Resource;
