//! The XHTML of a narrative: whether it is what R4 allows (http://hl7.org/fhir/R4/narrative.html, txt-1 and txt-2).

mod allowed;
mod check;
mod scan;

pub use check::{NarrativeFault, NarrativeRule, check_narrative};
