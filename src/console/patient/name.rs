//! What a patient's page says of their other names and their sex.

use serde_json::Value;

use crate::fhir::{Resource, names, said_name, usual_name};

/// What the patient is called besides (nickname), and was called before.
pub(super) fn other_names(patient: &Resource) -> Vec<(&'static str, String)> {
    let chosen = usual_name(patient);
    let others = names(patient).filter(|name| Some(*name) != chosen);
    let told = others.filter_map(|name| {
        let word = match name.get("use").and_then(Value::as_str).unwrap_or_default() {
            "nickname" => "Called",
            "maiden" => "Born as",
            "old" => "Before",
            "anonymous" | "temp" => return None,
            _ => "Also",
        };
        Some((word, said_name(name))).filter(|(_, name)| !name.is_empty())
    });
    told.collect()
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

    #[test]
    fn other_names_say_what_they_are() {
        let one = Resource::new("Patient").with(
            "name",
            json!([
                { "use": "maiden", "family": "Roe" },
                { "use": "nickname", "text": "Lupita" },
                { "use": "official", "family": "Hernández", "given": ["María"] }
            ]),
        );
        assert_eq!(other_names(&one), [("Born as", "Roe".to_string()), ("Called", "Lupita".to_string())]);
    }
}
