//! What the items of a slice are known by.

use serde_json::Value;

use crate::fhir::path::Expression;

/// What one discriminator looks for, and where.
#[derive(Debug)]
pub(super) struct Mark {
    /// None for the item itself.
    pub path: Option<Expression>,
    pub demand: Demand,
}

#[derive(Debug)]
pub(super) enum Demand {
    /// Any of these values or patterns.
    Values(Vec<Value>),
    ValueSet(String),
    Types(Vec<String>),
    Profiles(Vec<String>),
    Exists(bool),
    /// The slice demands nothing at the path: nothing can be known by it.
    Nothing,
}
