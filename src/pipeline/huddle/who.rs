//! A patient in the few words that a line of a list has room for.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;
use serde_json::Value;

use super::super::Known;
use crate::fhir::{UNNAMED, display_name};
use crate::identity::ResourceId;
use crate::record::{Membership, Stored};

/// Who it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Who {
    /// The Patient.
    pub id: ResourceId,
    pub name: String,
    pub birth: Option<Date>,
    /// FHIR's code; empty where nobody said.
    pub gender: String,
    /// The tag of the language they speak, by the roster, else by what the Patient prefers; empty where nobody said.
    pub language: String,
    /// The number to call: the roster's, else the Patient's first.
    pub phone: String,
}

impl Who {
    /// Whose record this is.
    pub fn in_record(known: &Known) -> Self {
        let id = ResourceId::patient(known.record.head.person);
        let patient = known.record.get("Patient", id);
        patient.map_or_else(|| Self::unknown(id), |patient| Self::of(patient, &known.memberships))
    }

    /// Of a Patient as it is stored, and what rosters say of them; what nobody says stays empty.
    pub fn of(patient: &Stored, memberships: &[Membership]) -> Self {
        let resource = &patient.resource;
        let roster = |said: fn(&Membership) -> &Option<String>| memberships.iter().find_map(|one| said(one).clone());
        let language = roster(|one| &one.language).or_else(|| language(resource.get("communication")));
        let phone = roster(|one| &one.phone).or_else(|| phone(resource.get("telecom")));
        Self {
            id: patient.id,
            name: display_name(resource),
            // Nothing lost: a year alone gives no age, and the patient's own page shows it.
            birth: resource.text("birthDate").and_then(|text| text.parse().ok()),
            gender: resource.text("gender").unwrap_or_default().to_string(),
            language: language.unwrap_or_default(),
            phone: phone.unwrap_or_default(),
        }
    }

    /// Several, by their Patients and what rosters say of any of them.
    pub fn all(patients: &[Stored], memberships: &[Membership]) -> BTreeMap<ResourceId, Self> {
        let of = |patient: &Stored| {
            let own = patient.resource.identifiers();
            let is_own = |one: &&Membership| one.identifiers.iter().any(|number| own.contains(number));
            Self::of(patient, &memberships.iter().filter(is_own).cloned().collect::<Vec<_>>())
        };
        patients.iter().map(|patient| (patient.id, of(patient))).collect()
    }

    /// A patient whose own resource is not there: pruned, or not read.
    pub fn unknown(id: ResourceId) -> Self {
        let (name, gender) = (UNNAMED.to_string(), String::new());
        Self { id, name, birth: None, gender, language: String::new(), phone: String::new() }
    }
}

/// The preferred one, else the first (http://hl7.org/fhir/R4/patient-definitions.html#Patient.communication).
fn language(spoken: Option<&Value>) -> Option<String> {
    let spoken = spoken?.as_array()?;
    let preferred = spoken.iter().find(|one| one.get("preferred").and_then(Value::as_bool) == Some(true));
    let concept = preferred.or_else(|| spoken.first())?.get("language")?;
    let code = concept.pointer("/coding/0/code").or_else(|| concept.get("text"));
    code.and_then(Value::as_str).map(str::to_string)
}

/// A phone before other ways, and none that is out of use.
fn phone(telecom: Option<&Value>) -> Option<String> {
    let is = |point: &Value, name: &str, value: &str| point.get(name).and_then(Value::as_str) == Some(value);
    let phones = telecom?.as_array()?.iter().filter(|point| is(point, "system", "phone") && !is(point, "use", "old"));
    let rank = |point: &&Value| point.get("rank").and_then(Value::as_u64).unwrap_or(u64::MAX);
    phones.min_by_key(rank)?.get("value")?.as_str().map(str::to_string)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patient_is_reached_where_it_rings() {
        let points = json!([
            { "system": "email", "value": "a@b.example", "rank": 1 },
            { "system": "phone", "value": "555-014-1001", "use": "old", "rank": 1 },
            { "system": "phone", "value": "555-014-1002" },
            { "system": "phone", "value": "555-014-1003", "rank": 2 },
        ]);
        assert_eq!(phone(Some(&points)).as_deref(), Some("555-014-1003"));
        assert_eq!(phone(Some(&json!([]))), None);
    }

    #[test]
    fn the_language_is_the_preferred_one() {
        let of = |code: &str| json!({ "coding": [{ "code": code }], "text": "as written" });
        let spoken = json!([{ "language": of("en") }, { "language": of("es"), "preferred": true }]);
        assert_eq!(language(Some(&spoken)).as_deref(), Some("es"));
        assert_eq!(language(Some(&json!([{ "language": { "text": "Quechua" } }]))).as_deref(), Some("Quechua"));
    }
}
