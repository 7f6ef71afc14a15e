//! Reduces the definitions of a FHIR NPM package (https://hl7.org/fhir/packages.html) to the compact text form that
//! profiles/README.md describes. Pure: parsed JSON in, files with their text out; never writes definitions' prose.

mod codesystem;
mod counts;
mod element;
mod id;
mod package;
mod profile;
mod release;
mod search;
mod types;
mod valueset;
mod words;

pub use counts::Counts;
pub use package::{Reduced, Reducer, reduce};
pub use release::{Manifest, ReduceError};
pub use valueset::{reduce_value_set, value_set_of};

#[cfg(test)]
mod tests;
