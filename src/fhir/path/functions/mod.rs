//! The functions of FHIRPath (http://hl7.org/fhirpath/N1/#functions) and FHIR's own, by what they are about.

mod clock;
mod conversion;
mod dispatch;
mod existence;
mod fhir;
mod filtering;
mod math;
mod sets;
mod strings;
mod table;
mod text_forms;
mod tree;

pub(super) use dispatch::call;
pub(super) use fhir::in_value_set;
pub(super) use sets::union;
pub(super) use strings::compile_pattern;
pub(super) use table::{Function, by_name, names};
