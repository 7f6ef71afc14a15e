//! `handover profiles add`, `list` and `show`: FHIR packages beside those that are built in, in the form of profiles/README.md.

mod add;
mod archive;
mod command;
mod folder;
mod known;
mod list;
mod show;

pub use command::{Arguments, run};
pub use folder::{Change, files as files_of, replace, swap};
