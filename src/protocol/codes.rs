//! Codes that a rule names.

/// Codes named by value set or listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Codes {
    pub value_sets: Vec<String>,
    /// System URL and code.
    pub listed: Vec<(String, String)>,
}
