//! Search parameters that a site's guides define (docs/decisions/0039): each has an index of its own that follows what was committed,
//! whoever committed it. A search finds what that index has, and reads what was written since, so that nothing is missing meanwhile.

use std::sync::Arc;

use super::query::can_be_indexed;
use crate::fhir::search::Parameter;

/// A parameter of one type that a guide defines.
#[derive(Debug, Clone)]
pub struct Guided {
    pub resource_type: &'static str,
    pub parameter: Arc<Parameter>,
}

impl Guided {
    /// None where an index would narrow nothing: numbers, quantities, composites, and texts in patients' records are tested.
    pub fn of(resource_type: &'static str, parameter: &Arc<Parameter>) -> Option<Self> {
        can_be_indexed(resource_type, parameter).then(|| Self { resource_type, parameter: Arc::clone(parameter) })
    }
}

/// How far the index of one is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Indexed {
    pub resource_type: String,
    pub parameter: String,
    /// Resources that were looked at for it.
    pub resources: u64,
    /// Nothing that was there is left.
    pub is_through: bool,
}
