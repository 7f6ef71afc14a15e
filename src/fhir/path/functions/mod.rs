//! The functions of FHIRPath (http://hl7.org/fhirpath/N1/#functions) and FHIR's own, by what they are about.

mod clock;
mod conversion;
mod dispatch;
mod existence;
mod fhir;
mod filtering;
mod input;
mod invocation;
mod math;
mod parts;
mod sets;
mod stream;
mod strings;
mod table;
mod terminology;
mod text_forms;
mod tree;

pub(super) use existence::decide;
pub(super) use sets::union;
pub(super) use stream::stream;
pub(super) use strings::compile_pattern;
pub(super) use table::{Function, by_name, names};
pub(super) use terminology::in_value_set;
