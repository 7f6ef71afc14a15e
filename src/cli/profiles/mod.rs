//! `handover profiles add` and `list`: FHIR packages beside those that are built in, in the form of profiles/README.md.

mod add;
mod archive;
mod command;
mod folder;
mod known;
mod list;

pub use command::{Arguments, run};
