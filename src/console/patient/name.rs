//! How pages call a patient (http://hl7.org/fhir/R4/datatypes.html#HumanName).

use serde_json::Value;

use crate::fhir::Resource;
use crate::record::Stored;

/// `Okafor, Rosalind M`, as lists are sorted.
pub(crate) fn name(patient: &Stored) -> String {
    let Some(name) = usual(&patient.resource) else { return "Unnamed".to_string() };
    let (family, given) = (text(name, "family"), given(name));
    match (family.is_empty(), given.is_empty()) {
        (true, true) => written(name),
        (true, false) => given,
        (false, true) => family,
        (false, false) => format!("{family}, {given}"),
    }
}

/// `María Guadalupe Hernández-Villanueva`, as people say it; with all of it, never cut.
pub(crate) fn display_name(patient: &Resource) -> String {
    usual(patient).map_or_else(|| "Unnamed".to_string(), said)
}

/// What the patient is called besides (nickname), and was called before.
pub(super) fn other_names(patient: &Resource) -> Vec<(&'static str, String)> {
    let chosen = usual(patient);
    let others = names(patient).filter(|name| Some(*name) != chosen);
    let told = others.filter_map(|name| {
        let word = match text(name, "use").as_str() {
            "nickname" => "Called",
            "maiden" => "Born as",
            "old" => "Before",
            "anonymous" | "temp" => return None,
            _ => "Also",
        };
        Some((word, said(name))).filter(|(_, name)| !name.is_empty())
    });
    told.collect()
}

/// The official name, else the usual one, else the first that is not of the past.
fn usual(patient: &Resource) -> Option<&Value> {
    let of = |word: &str| names(patient).find(|name| text(name, "use") == word);
    let now = || names(patient).find(|name| !matches!(text(name, "use").as_str(), "old" | "maiden" | "nickname"));
    of("official").or_else(|| of("usual")).or_else(now).or_else(|| names(patient).next())
}

fn names(patient: &Resource) -> impl Iterator<Item = &Value> {
    patient.get("name").and_then(Value::as_array).into_iter().flatten()
}

/// As a page says a HumanName.
pub(super) fn said(name: &Value) -> String {
    let said = [given(name), text(name, "family"), list(name, "suffix")];
    let said: Vec<String> = said.into_iter().filter(|part| !part.is_empty()).collect();
    if said.is_empty() { written(name) } else { said.join(" ") }
}

fn written(name: &Value) -> String {
    let written = text(name, "text");
    if written.is_empty() { "Unnamed".to_string() } else { written }
}

fn given(name: &Value) -> String {
    list(name, "given")
}

fn list(name: &Value, element: &str) -> String {
    let parts = name.get(element).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    parts.collect::<Vec<_>>().join(" ")
}

fn text(value: &Value, element: &str) -> String {
    value.get(element).and_then(Value::as_str).unwrap_or_default().trim().to_string()
}

/// `Female`; nothing where it is not stated.
pub(crate) fn sex_word(gender: Option<&str>) -> &'static str {
    match gender {
        Some("female") => "Female",
        Some("male") => "Male",
        Some("other") => "Other",
        Some("unknown") => "Sex not known",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patient(names: Value) -> Resource {
        Resource::new("Patient").with("name", names)
    }

    #[test]
    fn a_person_is_called_by_the_name_in_use() {
        let one = patient(json!([
            { "use": "maiden", "family": "Roe" },
            { "use": "nickname", "text": "Lupita" },
            { "use": "official", "family": "Hernández-Villanueva de la Cruz", "given": ["María", "Guadalupe"], "suffix": ["RN"] }
        ]));
        assert_eq!(display_name(&one), "María Guadalupe Hernández-Villanueva de la Cruz RN");
        assert_eq!(other_names(&one), [("Born as", "Roe".to_string()), ("Called", "Lupita".to_string())]);
    }

    #[test]
    fn who_has_no_name_is_called_so() {
        for names in [json!([]), json!([{}]), json!([{ "family": " " }])] {
            assert_eq!(display_name(&patient(names)), "Unnamed");
        }
        assert_eq!(display_name(&patient(json!([{ "text": "Baby of Ann Roe" }]))), "Baby of Ann Roe");
        assert_eq!(display_name(&Resource::new("Patient")), "Unnamed");
    }
}
