//! What a partner's copy of a Task says otherwise than the Task as it was given: what its holder may say (`protocol/say.rs`), as the
//! JSON Patch (RFC 6902) that the partner would send.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::protocol::SAID;

/// Which version of a copy this is.
pub fn version(copy: &Value) -> String {
    let of = |name: &str| copy.pointer(&format!("/meta/{name}")).and_then(Value::as_str);
    match (of("versionId"), of("lastUpdated")) {
        (Some(version), updated) => format!("{version} {}", updated.unwrap_or_default()),
        (None, Some(updated)) => updated.to_string(),
        (None, None) => {
            Sha256::digest(copy.to_string().as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
        }
    }
}

/// The operations; none where the copy says what was given. `base` is the server that the copy's references are of.
pub fn said(copy: &Value, given: &Value, base: &str) -> Vec<Value> {
    let mut words = Vec::new();
    let differs = |element: &str| copy.get(element).filter(|value| Some(*value) != given.get(element));
    for element in ["status"].into_iter().chain(SAID) {
        if let Some(value) = differs(element) {
            words.push(json!({ "op": "add", "path": format!("/{element}"), "value": at_home(value, base) }));
        }
    }
    for element in ["note", "output"] {
        let items = |of: &Value| of.get(element).and_then(Value::as_array).cloned().unwrap_or_default();
        let known = items(given);
        let new: Vec<Value> = items(copy).into_iter().filter(|item| !known.contains(item)).collect();
        if new.is_empty() {
            continue;
        }
        // What was given has the list, or the partner's own is the first.
        match known.is_empty() {
            true => {
                let new: Vec<Value> = new.iter().map(|item| at_home(item, base)).collect();
                words.push(json!({ "op": "add", "path": format!("/{element}"), "value": new }));
            }
            false => words.extend(
                new.iter()
                    .map(|item| json!({ "op": "add", "path": format!("/{element}/-"), "value": at_home(item, base) })),
            ),
        }
    }
    let modified = copy.get("lastModified").or_else(|| copy.pointer("/meta/lastUpdated"));
    if let (false, Some(modified)) = (words.is_empty(), modified) {
        words.push(json!({ "op": "add", "path": "/lastModified", "value": modified }));
    }
    words
}

/// References of the partner's server lead there and not to something of ours.
fn at_home(value: &Value, base: &str) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| at_home(item, base)).collect(),
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| {
                let relative = value.as_str().filter(|text| name == "reference" && is_relative(text));
                let value = relative.map_or_else(
                    || at_home(value, base),
                    |text| Value::String(format!("{}/{text}", base.trim_end_matches('/'))),
                );
                (name.clone(), value)
            };
            Value::Object(members.iter().map(member).collect())
        }
        other => other.clone(),
    }
}

fn is_relative(reference: &str) -> bool {
    !reference.contains(':') && !reference.starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://ehr.example/r4/";

    fn given() -> Value {
        json!({ "resourceType": "Task", "status": "requested", "priority": "urgent", "note": [{ "text": "Call after the visit" }],
            "owner": { "display": "Nia Brooks RN" } })
    }

    #[test]
    fn a_copy_that_its_server_dressed_up_says_nothing() {
        let mut copy = given();
        copy["id"] = json!("88");
        copy["meta"] = json!({ "versionId": "4", "lastUpdated": "2026-11-20T10:00:00Z" });
        copy["text"] = json!({ "status": "generated", "div": "<div/>" });
        copy["priority"] = json!("routine");
        copy["lastModified"] = json!("2026-11-20T10:00:00Z");
        assert_eq!(said(&copy, &given(), BASE), Vec::<Value>::new());
    }

    #[test]
    fn what_people_there_said_is_a_patch_with_their_references_at_home() {
        let mut copy = given();
        copy["status"] = json!("completed");
        copy["owner"] = json!({ "reference": "Practitioner/12", "display": "Ruth Adler" });
        copy["note"] = json!([{ "text": "Call after the visit" }, { "text": "reached her", "authorReference": { "reference": "Practitioner/12" } }]);
        copy["output"] = json!([{ "type": { "text": "outcome" }, "valueString": "well" }]);
        copy["meta"] = json!({ "lastUpdated": "2026-11-20T10:00:00Z" });
        let words = said(&copy, &given(), BASE);
        let paths: Vec<&str> = words.iter().map(|word| word["path"].as_str().unwrap()).collect();
        assert_eq!(paths, ["/status", "/owner", "/note/-", "/output", "/lastModified"]);
        assert_eq!(words[1]["value"]["reference"], "https://ehr.example/r4/Practitioner/12");
        assert_eq!(words[2]["value"]["authorReference"]["reference"], "https://ehr.example/r4/Practitioner/12");
        assert_eq!(words[4]["value"], "2026-11-20T10:00:00Z");
    }

    #[test]
    fn a_version_is_told_by_whatever_its_server_says_of_it() {
        let mut copy = given();
        let bare = version(&copy);
        copy["status"] = json!("accepted");
        assert_ne!(version(&copy), bare);
        copy["meta"] = json!({ "lastUpdated": "2026-11-20T10:00:00Z" });
        assert_eq!(version(&copy), "2026-11-20T10:00:00Z");
        copy["meta"]["versionId"] = json!("7");
        assert_eq!(version(&copy), "7 2026-11-20T10:00:00Z");
    }
}
