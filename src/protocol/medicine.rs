//! One medicine that is stated of a patient (http://hl7.org/fhir/R4/medicationrequest.html, medicationstatement.html): what it is, by codes and
//! in words, and from when until when it is taken.

use jiff::Timestamp;
use serde_json::Value;

use crate::fhir::canonical_system;
use crate::identity::ResourceId;

pub struct Medicine {
    /// The statement: a MedicationRequest or a MedicationStatement.
    pub kind: &'static str,
    pub id: ResourceId,
    /// System and code of each coding.
    pub coded: Vec<(String, String)>,
    /// All that names it, taken apart.
    pub words: Vec<String>,
    pub title: String,
    pub dosage: Option<Value>,
    pub since: Timestamp,
    /// None while it is taken.
    pub until: Option<Timestamp>,
}

impl Medicine {
    pub fn new(kind: &'static str, id: ResourceId, codings: &[(&str, &str)], since: Timestamp) -> Self {
        let owned = |(system, code): &(&str, &str)| ((*system).to_string(), (*code).to_string());
        let coded = codings.iter().map(owned).collect();
        Self { kind, id, coded, words: Vec::new(), title: String::new(), dosage: None, since, until: None }
    }

    pub fn codings(&self) -> Vec<(&str, &str)> {
        self.coded.iter().map(|(system, code)| (system.as_str(), code.as_str())).collect()
    }

    /// A substance of the ATC says all of what it is; what stands above one says a part.
    pub fn is_atc_substance(&self) -> bool {
        self.coded.iter().any(|(system, code)| canonical_system(system) == ATC && code.trim().len() == 7)
    }

    /// What it is and how it is taken, by which one prescription differs from another.
    pub fn content(&self) -> (&[(String, String)], &str, Option<&Value>) {
        let title = if self.coded.is_empty() { self.title.as_str() } else { "" };
        (self.coded.as_slice(), title, self.dosage.as_ref())
    }
}

const ATC: &str = "http://www.whocc.no/atc";
