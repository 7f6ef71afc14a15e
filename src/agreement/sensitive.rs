//! Labels for sensitive content, given on the way in: which of a resource's codes are in the value sets that law and custom
//! protect. Labels of the sender are kept; nothing is ever unlabelled here.

use serde_json::{Value, json};

use crate::fhir::{Resource, ValueSets, add_labels};

const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";

/// Value set, sensitivity (v3 ActCode), and its display. Whether 42 CFR Part 2 applies depends on who treated, not on the
/// code, so that label is the sender's to give.
pub(super) const SENSITIVE: [(&str, &str, &str); 4] = [
    ("sensitive-substance-use", "ETH", "substance abuse information sensitivity"),
    ("sensitive-mental-health", "PSY", "psychiatry disorder information sensitivity"),
    ("sensitive-hiv", "HIV", "HIV/AIDS information sensitivity"),
    ("sensitive-reproductive-health", "SEX", "sexuality and reproductive health information sensitivity"),
];

/// Adds to `meta.security` what the resource's codes ask for: the sensitivity, and confidentiality R (restricted). Returns
/// the sensitivities that hold.
pub fn label_sensitive(resource: &mut Resource, value_sets: &ValueSets) -> Vec<&'static str> {
    let mut codings = Vec::new();
    for (element, value) in resource.as_map() {
        if element != "meta" && element != "contained" {
            collect(value, &mut codings);
        }
    }
    let mut labels = Vec::new();
    let mut found = Vec::new();
    for (name, code, display) in SENSITIVE {
        if codings.iter().any(|(system, value)| value_sets.contains(name, system, value)) {
            labels.push(label(code, display));
            found.push(code);
        }
    }
    if !labels.is_empty() {
        labels.push(restricted());
        add_labels(resource, &labels);
    }
    found
}

pub(super) fn label(code: &str, display: &str) -> Value {
    json!({ "system": ACT_CODE, "code": code, "display": display })
}

pub(super) fn restricted() -> Value {
    json!({ "system": CONFIDENTIALITY, "code": "R", "display": "restricted" })
}

/// Every system and code anywhere in a value.
fn collect<'a>(value: &'a Value, codings: &mut Vec<(&'a str, &'a str)>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, codings)),
        Value::Object(map) => {
            if let (Some(system), Some(code)) =
                (map.get("system").and_then(Value::as_str), map.get("code").and_then(Value::as_str))
            {
                codings.push((system, code));
            }
            map.values().for_each(|item| collect(item, codings));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protected_diagnosis_is_labelled_once_and_another_is_not() {
        let coded = |code: &str| {
            let code = json!({ "coding": [{ "system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code }] });
            Resource::new("Condition").with("code", code)
        };
        let mut opioid = coded("F11.20");
        assert!(label_sensitive(&mut opioid, ValueSets::built_in()).contains(&"ETH"));
        let before = opioid.clone();
        label_sensitive(&mut opioid, ValueSets::built_in());
        assert_eq!(opioid, before);
        assert!(opioid.get("meta").unwrap()["security"].as_array().unwrap().iter().any(|label| label["code"] == "R"));
        let mut copd = coded("J44.1");
        assert!(label_sensitive(&mut copd, ValueSets::built_in()).is_empty());
        assert_eq!(copd.get("meta"), None);
    }
}
