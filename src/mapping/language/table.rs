//! A code table: what a v2 code means in FHIR.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::yaml::Mark;

/// One compiled table.
#[derive(Debug, Clone)]
pub struct Table {
    pub name: String,
    /// The system of the sender's codes where the message names none: `http://terminology.hl7.org/CodeSystem/v2-0001`.
    pub source_system: Option<String>,
    /// The system of the codes that rows name, where a row names none of its own.
    pub target: Option<String>,
    pub codes: BTreeMap<String, TableCode>,
    /// Codes that are known to say nothing in FHIR here.
    pub silent: BTreeSet<String>,
    /// Codes that come to the row of another: `2034-7` (Chinese) to that of `2028-9` (Asian).
    pub members: BTreeMap<String, String>,
    /// What the rows are called, without regard to case: their keys and displays, as far as each means one code only.
    pub words: HashMap<String, Option<TableCode>>,
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

    /// The row of a code or of the group that it belongs to.
    pub fn row(&self, code: &str) -> Option<&TableCode> {
        self.find(code).or_else(|| self.codes.get(self.members.get(&code.to_lowercase())?))
    }

    /// The row that goes by this word.
    pub fn named(&self, word: &str) -> Option<&TableCode> {
        self.words.get(&word.to_lowercase())?.as_ref()
    }

    /// Notes what the rows are called. A word for two different codes is a word for none.
    pub fn index_words(&mut self) {
        let named = self.codes.iter().flat_map(|(key, row)| {
            let display = row.display.iter().map(move |display| (display, row));
            std::iter::once((key, row)).chain(display)
        });
        let mut words: HashMap<String, Option<TableCode>> = HashMap::new();
        for (word, row) in named {
            let is_other = |known: &TableCode| (&known.code, &known.system) != (&row.code, &row.system);
            let known = words.entry(word.to_lowercase()).or_insert_with(|| Some(row.clone()));
            if known.as_ref().is_some_and(is_other) {
                *known = None;
            }
        }
        self.words = words;
    }

    /// Whether a code is known to have no equivalent.
    pub fn is_silent(&self, code: &str) -> bool {
        self.silent.iter().any(|silent| silent.eq_ignore_ascii_case(code))
    }
}
