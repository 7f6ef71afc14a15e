//! A code table: what a v2 code means in FHIR.

use std::collections::{BTreeMap, BTreeSet};

use crate::yaml::Mark;

/// One compiled table.
#[derive(Debug, Clone)]
pub struct Table {
    pub name: String,
    /// The system of the sender's codes where the message names none: `http://terminology.hl7.org/CodeSystem/v2-0001`.
    pub source_system: Option<String>,
    pub codes: BTreeMap<String, TableCode>,
    /// Codes that are known to say nothing in FHIR here.
    pub silent: BTreeSet<String>,
}

/// What one code becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableCode {
    pub code: String,
    pub system: Option<String>,
    pub display: Option<String>,
    pub mark: Mark,
}

impl Table {
    /// Finds a code as written, else without regard to case when that is unambiguous.
    pub fn find(&self, code: &str) -> Option<&TableCode> {
        if let Some(found) = self.codes.get(code) {
            return Some(found);
        }
        let mut alike = self.codes.iter().filter(|(key, _)| key.eq_ignore_ascii_case(code));
        match (alike.next(), alike.next()) {
            (Some((_, found)), None) => Some(found),
            _ => None,
        }
    }

    /// Whether a code is known to have no equivalent.
    pub fn is_silent(&self, code: &str) -> bool {
        self.silent.iter().any(|silent| silent.eq_ignore_ascii_case(code))
    }
}
