//! What agreements may name.

use std::sync::Arc;

use crate::fhir::ValueSets;

/// What agreements may name.
pub struct Names<'a> {
    /// The site's partners; None when somebody else checks them.
    pub partners: Option<&'a [&'a str]>,
    /// The site's panels; None when somebody else checks them.
    pub panels: Option<&'a [&'a str]>,
    pub value_sets: Arc<ValueSets>,
}
