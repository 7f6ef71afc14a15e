//! Codes that a rule names.

use crate::fhir::ValueSets;

/// Codes named by value set or listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Codes {
    pub value_sets: Vec<String>,
    /// System URL and code.
    pub listed: Vec<(String, String)>,
}

impl Codes {
    /// Whether one of these codings is among them.
    pub fn hold(&self, sets: &ValueSets, codings: &[(&str, &str)]) -> bool {
        self.value_sets.iter().any(|set| sets.contains_any(set, codings))
            || self.listed.iter().any(|(system, code)| codings.contains(&(system.as_str(), code.as_str())))
    }
}
