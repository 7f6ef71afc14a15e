//! `where` of a line: a FHIRPath expression on the resource. `%name` is a value set: those of the resource's own codes that
//! are in it, so that `code.coding.code in %ed-follow-up-codes` reads as it says.

use crate::fhir::{Resource, ValueSets};

/// A compiled `where`.
#[derive(Debug)]
pub struct Condition {
    pub text: String,
}

impl Condition {
    pub(super) fn compile(text: &str, value_sets: &ValueSets) -> Result<Self, String> {
        let _ = value_sets;
        Err(format!("`{text}` is not understood"))
    }

    pub(super) fn holds(&self, resource: &Resource, value_sets: &ValueSets) -> Result<bool, String> {
        let _ = (resource, value_sets);
        Ok(false)
    }
}
