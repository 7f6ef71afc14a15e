//! `handover terminology`: code systems and value sets that a site adds in the form in which their publishers give them out.

mod add;
mod build;
mod command;
mod list;
mod loinc;
mod rows;
mod rxnorm;
mod show;
mod snomed;
mod sorter;
mod source;
mod vsac;

pub use command::{Arguments, run};
