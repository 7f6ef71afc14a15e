//! Codes by the system that they are of.

/// The codes that one code system gives to a value set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeGroup {
    pub system: String,
    pub codes: Vec<String>,
}
