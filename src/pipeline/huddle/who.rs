//! A patient in the few words that a sheet of paper has room for.

use jiff::civil::Date;
use serde::Serialize;
use serde_json::Value;

use crate::identity::ResourceId;
use crate::record::Stored;

/// Who it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Who {
    /// The Patient.
    pub id: ResourceId,
    pub name: String,
    pub birth: Option<Date>,
    /// FHIR's code; empty where nobody said.
    pub gender: String,
    /// Of Patient.communication: the preferred one, else the first, as people call it; empty for English and where nobody said.
    pub language: String,
    /// The first number to call.
    pub phone: String,
}

impl Who {
    /// Of a Patient as it is stored; what it does not say stays empty.
    pub fn of(patient: &Stored) -> Self {
        let resource = &patient.resource;
        Self {
            id: patient.id,
            name: name(resource.get("name")).unwrap_or_else(|| "Unnamed".to_string()),
            // Nothing lost: a year alone gives no age, and the patient's own page shows it.
            birth: resource.text("birthDate").and_then(|text| text.parse().ok()),
            gender: resource.text("gender").unwrap_or_default().to_string(),
            language: language(resource.get("communication")).unwrap_or_default(),
            phone: phone(resource.get("telecom")).unwrap_or_default(),
        }
    }

    /// A patient whose own resource is not there: pruned, or not read.
    pub fn unknown(id: ResourceId) -> Self {
        let (name, gender) = ("Unnamed".to_string(), String::new());
        Self { id, name, birth: None, gender, language: String::new(), phone: String::new() }
    }
}

/// The official name, else the first that is not old.
fn name(names: Option<&Value>) -> Option<String> {
    let names = names?.as_array()?;
    let of_use = |wanted: &str| names.iter().find(|name| name.get("use").and_then(Value::as_str) == Some(wanted));
    let current = || names.iter().find(|name| name.get("use").and_then(Value::as_str) != Some("old"));
    let name = of_use("official").or_else(current).or_else(|| names.first())?;
    if let Some(text) = name.get("text").and_then(Value::as_str) {
        return Some(text.to_string());
    }
    let given = name.get("given").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let words: Vec<&str> = given.chain(name.get("family").and_then(Value::as_str)).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn language(spoken: Option<&Value>) -> Option<String> {
    let spoken = spoken?.as_array()?;
    let preferred = spoken.iter().find(|one| one.get("preferred").and_then(Value::as_bool) == Some(true));
    let concept = preferred.or_else(|| spoken.first())?.get("language");
    let code =
        concept.and_then(|concept| concept.pointer("/coding/0/code")).and_then(Value::as_str).unwrap_or_default();
    let is_english = code == "en" || code.starts_with("en-") || code == "eng";
    crate::fhir::concept_title(concept).filter(|_| !is_english).map(str::to_string)
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
    fn a_patient_is_called_by_the_name_in_use_and_reached_where_it_rings() {
        let names = json!([{ "use": "old", "family": "Weber" }, { "given": ["Ana", "L."], "family": "Roe" }]);
        assert_eq!(name(Some(&names)).as_deref(), Some("Ana L. Roe"));
        assert_eq!(name(Some(&json!([{ "use": "old", "family": "Weber" }]))).as_deref(), Some("Weber"));
        assert_eq!(name(Some(&json!([]))), None);
        let points = json!([
            { "system": "email", "value": "a@b.example", "rank": 1 },
            { "system": "phone", "value": "555-014-1001", "use": "old", "rank": 1 },
            { "system": "phone", "value": "555-014-1002" },
            { "system": "phone", "value": "555-014-1003", "rank": 2 },
        ]);
        assert_eq!(phone(Some(&points)).as_deref(), Some("555-014-1003"));
        let spoken = |code: &str, text: &str| json!([{ "language": { "coding": [{ "code": code }], "text": text } }]);
        assert_eq!(language(Some(&spoken("es", "Spanish"))).as_deref(), Some("Spanish"));
        assert_eq!(language(Some(&spoken("en-US", "English"))), None);
    }
}
