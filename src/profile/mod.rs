//! What a valid resource is: checks resources against the R4 core definitions. Pure: knows no store and no server, and
//! says what it could not check instead of passing over it.

mod codes;
mod invariants;
mod place;
pub mod reduce;
mod references;
mod structure;
mod validate;

pub use validate::{validate, validate_draft};

#[cfg(test)]
mod tests;
