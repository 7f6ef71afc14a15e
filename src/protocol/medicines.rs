//! Which medicines a patient takes, of which class, and since when. A medicine is of a class by its codes, or, where no code of it tells, by
//! its name in the words of the value set. What no table knows is told (`doubts.rs`), never taken for another medicine.

use std::collections::BTreeSet;

use serde_json::Value;

use super::codes::Codes;
use super::facts::Facts;
use super::medicine::Medicine;
use crate::fhir::{codings_of, concept_title, words_of};
use crate::record::{Record, Stored};

/// The value set of all medicines that some class, or none, is known of.
pub const KNOWN: &str = "medicine-known";

/// What says that somebody takes something.
const KINDS: [&str; 2] = ["MedicationRequest", "MedicationStatement"];

impl<'a> Facts<'a> {
    /// All that is prescribed or stated, and not entered in error, a draft or a plan; by when it began.
    pub fn stated_medicines(&self) -> &[Medicine] {
        self.medicines(|facts| {
            let record = facts.record;
            let all = KINDS.into_iter().flat_map(|kind| record.of_type(kind).map(move |stored| (kind, stored)));
            let mut all: Vec<Medicine> = all.filter_map(|(kind, stored)| read(facts, kind, stored)).collect();
            all.sort_by_key(|medicine| (medicine.since, medicine.id));
            all
        })
    }

    /// Whether a medicine is one of these.
    pub fn is_medicine(&self, codes: &Codes, medicine: &Medicine) -> bool {
        let by_name = |set: &String| self.value_sets.is_told(set, &medicine.words);
        self.has_code(codes, &medicine.codings())
            || (!medicine.is_atc_substance() && codes.value_sets.iter().any(by_name))
    }

    /// What is taken now of these.
    pub fn medications(&self, codes: &Codes) -> Vec<&'a Stored> {
        self.taken(codes).filter_map(|medicine| self.record.get(medicine.kind, medicine.id)).collect()
    }

    fn taken<'f>(&'f self, codes: &'f Codes) -> impl Iterator<Item = &'f Medicine> {
        let now = self.stated_medicines().iter().filter(|medicine| medicine.until.is_none());
        now.filter(|medicine| self.is_medicine(codes, medicine))
    }

    /// Whether the patient takes one of these now, and in words.
    pub fn takes(&self, codes: &Codes) -> (bool, String) {
        let name = |medicine: &Medicine| {
            let by = if self.has_code(codes, &medicine.codings()) { "" } else { " (by its name)" };
            format!("{}{by}", medicine.title)
        };
        let names: BTreeSet<String> = self.taken(codes).map(name).collect();
        if names.is_empty() {
            return (false, "takes none of the medicines asked".to_string());
        }
        (true, format!("takes {}", names.into_iter().collect::<Vec<_>>().join(", ")))
    }

    /// Medicines that are taken, among these statements, and of which nobody can tell whether they are of a class: no table has their
    /// code, none their name.
    pub fn unknown_medicines(&self, among: impl Fn(&Stored) -> bool) -> impl Iterator<Item = &Medicine> {
        // Most looks have none among these, and reading all would cost what was ever prescribed.
        let has_any = KINDS.into_iter().any(|kind| self.record.of_type(kind).any(&among));
        let all = if has_any { self.stated_medicines() } else { &[] };
        let known = |medicine: &Medicine| {
            self.value_sets.contains_any(KNOWN, &medicine.codings()) || self.is_known_by_name(&medicine.words)
        };
        let is_among = move |one: &Medicine| self.record.get(one.kind, one.id).is_some_and(&among);
        all.iter().filter(move |one| one.until.is_none() && is_among(one) && !known(one))
    }

    fn is_known_by_name(&self, words: &[String]) -> bool {
        self.value_sets.parts(KNOWN).any(|part| self.value_sets.is_told(part, words))
    }
}

fn read(facts: &Facts<'_>, kind: &'static str, stored: &Stored) -> Option<Medicine> {
    let resource = &stored.resource;
    // Nothing lost: nobody takes what was planned, forbidden, drafted, taken back before it was taken, or entered in error.
    let is_order = !matches!(resource.text("intent"), Some("proposal" | "plan" | "option"));
    let is_denied = resource.get("doNotPerform") == Some(&Value::Bool(true));
    let status = resource.text("status").unwrap_or_default();
    let is_meant =
        !matches!(status, "" | "draft" | "intended" | "cancelled" | "unknown" | "not-taken" | "entered-in-error");
    if !is_order || is_denied || !is_meant || stored.state.superseded.is_some() {
        return None;
    }
    let concept = medicine(facts.record, stored)?;
    let names = concept.get("coding").and_then(Value::as_array).into_iter().flatten();
    let names = names.filter_map(|coding| coding.get("display")).chain(concept.get("text"));
    let words = names.filter_map(Value::as_str).flat_map(words_of).collect();
    let told = |element: &str| resource.text(element).and_then(|text| facts.moment(text));
    let period = |end: &str| facts.moment(resource.get("effectivePeriod")?.get(end)?.as_str()?);
    let began = told("authoredOn").or_else(|| period("start")).or_else(|| told("effectiveDateTime"));
    let since = began.or_else(|| told("dateAsserted")).unwrap_or(stored.updated);
    let ended = || period("end").or_else(|| stored.state.stamps.get("status").map(|stamp| stamp.occurred));
    let until = (status != "active").then(|| ended().unwrap_or(stored.updated).max(since));
    Some(Medicine {
        words,
        title: concept_title(Some(concept)).unwrap_or("a medicine without a name").to_string(),
        dosage: resource.get("dosageInstruction").or_else(|| resource.get("dosage")).cloned(),
        until,
        ..Medicine::new(kind, stored.id, &codings_of(concept), since)
    })
}

/// What a prescription is of: stated, or in a Medication of its own.
fn medicine<'a>(record: &'a Record, stored: &'a Stored) -> Option<&'a Value> {
    let resource = &stored.resource;
    if let Some(stated) = resource.get("medicationCodeableConcept") {
        return Some(stated);
    }
    let reference = resource.reference("medicationReference")?;
    if let Some(own) = reference.strip_prefix('#') {
        let contained = resource.get("contained")?.as_array()?;
        return contained.iter().find(|one| one.get("id").and_then(Value::as_str) == Some(own))?.get("code");
    }
    // Nothing lost: what is no id of ours is no Medication of this record.
    record.get("Medication", reference.strip_prefix("Medication/")?.parse().ok()?)?.resource.get("code")
}
