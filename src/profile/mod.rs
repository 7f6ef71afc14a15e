//! What a valid resource is: checks resources against R4 core and profiles. Pure: knows no store and no server, and says
//! what it could not check instead of passing over it.

mod binding;
mod bundle;
mod bundle_rules;
mod check;
mod compiled;
mod contained;
mod discriminator;
mod errata;
mod extensions;
mod implied;
mod invariants;
mod mark;
mod matching;
mod meanings;
mod met;
mod named;
mod own;
mod place;
mod questionnaire;
mod questions;
pub mod reduce;
mod references;
mod rules;
mod site;
mod slicing;
mod snapshot;
mod steps;
mod structure;
mod validate;
mod validation;

pub use compiled::Profiles;
pub use implied::add_vital_sign_category;
pub use met::{claim_what_is_met, us_core_profiles};
pub use named::named_profile;
pub use own::{own_profile, validate_own};
pub use snapshot::{Snapshot, SnapshotElement, SnapshotInvariant};
pub use validate::{validate, validate_against, validate_draft};

#[cfg(test)]
mod profile_tests;
#[cfg(test)]
mod size_tests;
#[cfg(test)]
mod tests;
