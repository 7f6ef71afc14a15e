//! A resource in one line, for tables: its status, what it is about, its value and its dates.

use serde_json::Value;

/// What a resource says, in a few words.
pub fn describe(resource: &Value) -> String {
    let at = |pointer: &str| resource.pointer(pointer);
    let text = |pointer: &str| at(pointer).and_then(Value::as_str).map(str::to_string);
    let parts = [
        text("/status"),
        text("/clinicalStatus/coding/0/code"),
        at("/name").and_then(name),
        text("/title"),
        concept(at("/class")),
        concept(at("/code")),
        concept(at("/type/0")),
        value(resource),
        text("/description"),
        text("/birthDate").map(|date| format!("born {date}")),
        text("/period/start").map(|date| format!("from {date}")),
        text("/period/end").map(|date| format!("until {date}")),
        text("/effectiveDateTime").map(|date| format!("at {date}")),
        text("/restriction/period/end").map(|date| format!("due {date}")),
        text("/owner/display").map(|name| format!("for {name}")),
        text("/identifier/0/value").map(|value| format!("#{value}")),
    ];
    parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

fn name(name: &Value) -> Option<String> {
    if let Some(text) = name.as_str() {
        return Some(text.to_string());
    }
    let first = name.get(0)?;
    let given = first.get("given").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let family = first.get("family").and_then(Value::as_str);
    let whole = given.chain(family).collect::<Vec<_>>().join(" ");
    if whole.is_empty() { first.get("text").and_then(Value::as_str).map(str::to_string) } else { Some(whole) }
}

/// A CodeableConcept or a Coding.
fn concept(concept: Option<&Value>) -> Option<String> {
    let concept = concept?;
    let coding = concept.pointer("/coding/0").unwrap_or(concept);
    let words = [concept.get("text"), coding.get("display"), coding.get("code")];
    words.into_iter().flatten().find_map(Value::as_str).map(str::to_string)
}

fn value(resource: &Value) -> Option<String> {
    if let Some(quantity) = resource.get("valueQuantity") {
        let unit = quantity.get("unit").or_else(|| quantity.get("code")).and_then(Value::as_str).unwrap_or_default();
        return Some(format!("{} {unit}", quantity.get("value")?).trim_end().to_string());
    }
    let text = resource.get("valueString").and_then(Value::as_str).map(str::to_string);
    text.or_else(|| concept(resource.get("valueCodeableConcept")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_task_and_a_reading_are_described_as_people_would() {
        let task = json!({
            "resourceType": "Task", "status": "requested", "code": { "text": "Call after the ED visit" },
            "restriction": { "period": { "end": "2026-03-04" } }, "owner": { "display": "Nia Brooks" },
        });
        assert_eq!(describe(&task), "requested, Call after the ED visit, due 2026-03-04, for Nia Brooks");
        let reading = json!({
            "resourceType": "Observation", "status": "final", "code": { "coding": [{ "code": "59408-5", "display": "SpO2" }] },
            "valueQuantity": { "value": 86, "unit": "%" },
        });
        assert_eq!(describe(&reading), "final, SpO2, 86 %");
    }

    #[test]
    fn a_patient_is_described_by_name_and_an_organization_by_its_own() {
        let patient = json!({ "resourceType": "Patient", "name": [{ "family": "Doe", "given": ["Jane"] }] });
        assert_eq!(describe(&patient), "Jane Doe");
        assert_eq!(describe(&json!({ "resourceType": "Organization", "name": "Lakeside" })), "Lakeside");
    }
}
