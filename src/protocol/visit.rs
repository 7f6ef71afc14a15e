//! One encounter as rules see it: class, status, times, what it was for and how it ended
//! (http://hl7.org/fhir/R4/encounter.html). Never changes it.

use std::hash::DefaultHasher;

use jiff::Timestamp;
use serde_json::Value;

use super::inputs::{Inputs, inputs_of, version_of};
use super::reason::{Diagnoses, Said, said_of};
use crate::fhir::codings_of;
use crate::identity::ResourceId;
use crate::record::Stored;

/// One encounter.
pub struct Visit<'a> {
    pub stored: &'a Stored,
    pub id: ResourceId,
    pub class: &'a str,
    pub status: &'a str,
    pub start: Option<Timestamp>,
    pub end: Option<Timestamp>,
    pub(super) said: Vec<Said<'a>>,
    /// The reason as somebody wrote it.
    pub reason: Option<&'a str>,
    /// The diagnosis that the reason is; none where it stands on the encounter.
    pub reason_by: Option<&'a Stored>,
    /// Codings of how it ended (PV1-36).
    disposition: Vec<(&'static str, String)>,
    /// A hash of the versions that all this was read from.
    pub inputs: Inputs,
}

const FHIR_DISPOSITION: &str = "http://terminology.hl7.org/CodeSystem/discharge-disposition";
/// Hospitals fill PV1-36 with the codes they bill with, whatever table they name, or none.
const BILLED_DISPOSITION: &str = "https://www.nubc.org/CodeSystem/PatDischargeStatus";

impl<'a> Visit<'a> {
    /// Reads an encounter; `diagnoses` are the record's conditions, `moment` reads a FHIR time.
    pub fn of(stored: &'a Stored, diagnoses: &Diagnoses<'a>, moment: &dyn Fn(&str) -> Option<Timestamp>) -> Self {
        let resource = &stored.resource;
        let period = resource.get("period");
        let bound = |end: &str| period.and_then(|period| period.get(end)?.as_str()).and_then(moment);
        let said = said_of(stored, diagnoses);
        let at_door = concept_words(resource.get("reasonCode").and_then(|list| list.get(0)));
        let principal = || {
            let principal = said.iter().find(|said| said.is_principal && !said.at_door)?;
            let named = |condition: &'a Stored| Some((condition, concept_words(condition.resource.get("code"))?));
            let same = |condition: &&&'a Stored| condition.resource.codings("code") == principal.codings;
            named(principal.by).or_else(|| diagnoses.all().iter().filter(same).find_map(|condition| named(condition)))
        };
        let (reason_by, reason) = match at_door {
            Some(words) => (None, Some(words)),
            None => principal().unzip(),
        };
        let of_reason = |hasher: &mut DefaultHasher| reason_by.into_iter().for_each(|by| version_of(by, hasher));
        let inputs = inputs_of(&[
            &|hasher| version_of(stored, hasher),
            &|hasher| said.iter().for_each(|said| version_of(said.by, hasher)),
            &of_reason,
        ]);
        Self {
            stored,
            inputs,
            id: stored.id,
            class: resource.get("class").and_then(|class| class.get("code")?.as_str()).unwrap_or_default(),
            status: resource.text("status").unwrap_or_default(),
            start: bound("start"),
            end: bound("end"),
            reason,
            reason_by,
            said,
            disposition: disposition(stored),
        }
    }

    /// What people call a visit of this class (v3 ActCode).
    pub fn words(&self) -> String {
        match self.class {
            "EMER" => "Emergency visit".to_string(),
            "IMP" | "ACUTE" | "NONAC" => "Hospital stay".to_string(),
            "OBSENC" => "Observation stay".to_string(),
            "SS" => "Short stay".to_string(),
            "AMB" => "Outpatient visit".to_string(),
            "HH" => "Home visit".to_string(),
            "VR" => "Virtual visit".to_string(),
            other => format!("Visit of class {other}"),
        }
    }

    /// How it ended, as the sender calls it.
    pub fn disposition_words(&self) -> Option<&str> {
        let stated = self.stored.resource.get("hospitalization").and_then(|at| at.get("dischargeDisposition"));
        concept_words(stated).or_else(|| self.disposition.last().map(|(_, code)| code.as_str()))
    }

    pub fn is_ongoing(&self) -> bool {
        matches!(self.status, "arrived" | "triaged" | "in-progress" | "onleave")
    }

    /// It took place or takes place.
    pub fn is_real(&self) -> bool {
        self.is_ongoing() || self.status == "finished"
    }

    /// A clinician is named as having seen the patient (http://terminology.hl7.org/ValueSet/encounter-participant-type).
    pub fn has_attender(&self) -> bool {
        let participants = self.stored.resource.get("participant").and_then(Value::as_array).into_iter().flatten();
        participants.filter_map(|one| one.get("type")?.as_array()).flatten().any(|kind| {
            let codings = codings_of(kind);
            codings.iter().any(|(_, code)| ["ATND", "PPRF", "SPRF"].contains(code))
        })
    }

    /// How it ended, as codes.
    pub fn ends(&self) -> Vec<(&str, &str)> {
        self.disposition.iter().map(|(system, code)| (*system, code.as_str())).collect()
    }

    /// It ended with the patient's death.
    pub fn ended_in_death(&self, value_sets: &crate::fhir::ValueSets) -> bool {
        self.status == "finished" && value_sets.contains_any("discharge-died", &self.ends())
    }
}

/// FHIR's own codes as they are; all others as billing codes, with the zero that some leave out, in capitals.
fn disposition(stored: &Stored) -> Vec<(&'static str, String)> {
    let stated = stored.resource.get("hospitalization").and_then(|at| at.get("dischargeDisposition"));
    let codings = stated.map(codings_of).unwrap_or_default();
    let read = codings.into_iter().map(|(system, code)| match code.trim() {
        code if system == FHIR_DISPOSITION => (FHIR_DISPOSITION, code.to_string()),
        code if code.len() == 1 => (BILLED_DISPOSITION, format!("0{code}")),
        code => (BILLED_DISPOSITION, code.to_ascii_uppercase()),
    });
    read.collect()
}

/// A concept as somebody wrote it: its text, or the display of its first coding.
pub fn concept_words(concept: Option<&Value>) -> Option<&str> {
    let concept = concept?;
    let text = concept.get("text").and_then(Value::as_str);
    text.or_else(|| concept.get("coding")?.get(0)?.get("display")?.as_str())
}
