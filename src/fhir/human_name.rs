//! What people are called (http://hl7.org/fhir/R4/datatypes.html#HumanName): of several names the one in use, as people say it.

use serde_json::Value;

use super::Resource;

/// What is said of who has no name.
pub const UNNAMED: &str = "Unnamed";

/// `María Guadalupe Hernández-Villanueva`, as people say it; with all of it, never cut.
pub fn display_name(patient: &Resource) -> String {
    usual_name(patient).map_or_else(|| UNNAMED.to_string(), said_name)
}

/// `Okafor, Rosalind M`, as lists are sorted.
pub fn sorted_name(patient: &Resource) -> String {
    let Some(name) = usual_name(patient) else { return UNNAMED.to_string() };
    let (family, given) = (text(name, "family"), given(name));
    match (family.is_empty(), given.is_empty()) {
        (true, true) => written(name),
        (true, false) => given,
        (false, true) => family,
        (false, false) => format!("{family}, {given}"),
    }
}

/// The official name, else the usual one, else the first that is not of the past.
pub fn usual_name(patient: &Resource) -> Option<&Value> {
    let of = |word: &str| names(patient).find(|name| text(name, "use") == word);
    let now = || names(patient).find(|name| !matches!(text(name, "use").as_str(), "old" | "maiden" | "nickname"));
    of("official").or_else(|| of("usual")).or_else(now).or_else(|| names(patient).next())
}

/// All of them, as they stand.
pub fn names(patient: &Resource) -> impl Iterator<Item = &Value> {
    patient.get("name").and_then(Value::as_array).into_iter().flatten()
}

/// One HumanName as people say it.
pub fn said_name(name: &Value) -> String {
    let said = [given(name), text(name, "family"), list(name, "suffix")];
    let said: Vec<String> = said.into_iter().filter(|part| !part.is_empty()).collect();
    if said.is_empty() { written(name) } else { said.join(" ") }
}

fn written(name: &Value) -> String {
    let written = text(name, "text");
    if written.is_empty() { UNNAMED.to_string() } else { written }
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
        assert_eq!(sorted_name(&one), "Hernández-Villanueva de la Cruz, María Guadalupe");
        let old = patient(json!([{ "use": "old", "family": "Weber" }, { "given": ["Ana", "L."], "family": "Roe" }]));
        assert_eq!(display_name(&old), "Ana L. Roe");
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
