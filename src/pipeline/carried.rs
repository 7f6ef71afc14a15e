//! What is sent says which version it is and of when, where the agreement wants it (docs/agreements.md). It is no part of what is
//! told: a version that says nothing new to a partner is still not sent.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::agreement::Carries;

/// `subject` is `Task/id/_history/version`.
pub(super) fn carry(payload: &mut Value, carries: &Carries, subject: &str, updated: Timestamp) {
    // Nothing lost: what names no version has none.
    let (Some(resource), Some((_, version))) = (payload.as_object_mut(), subject.split_once("/_history/")) else {
        return;
    };
    let at = json!(updated);
    match carries {
        Carries::Nothing => {}
        Carries::Meta => in_meta(resource, version, at),
        Carries::Extension(url) => {
            let parts = json!([{ "url": "version", "valueString": version }, { "url": "at", "valueInstant": at }]);
            append(resource, "extension", json!({ "url": url, "extension": parts }));
        }
        Carries::Identifier(system) => {
            append(resource, "identifier", json!({ "system": system, "value": subject, "period": { "start": at } }));
        }
    }
}

fn in_meta(resource: &mut Map<String, Value>, version: &str, at: Value) {
    let mut meta = Map::new();
    meta.insert("versionId".to_string(), json!(version));
    meta.insert("lastUpdated".to_string(), at);
    if let Some(Value::Object(rest)) = resource.get("meta") {
        meta.extend(rest.clone());
    }
    resource.insert("meta".to_string(), Value::Object(meta));
}

fn append(resource: &mut Map<String, Value>, element: &str, item: Value) {
    match resource.get_mut(element) {
        Some(Value::Array(items)) => items.push(item),
        _ => _ = resource.insert(element.to_string(), json!([item])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_stands_where_the_agreement_wants_it_and_never_first_among_identifiers() {
        let updated = "2026-03-02T10:00:00.5Z".parse().unwrap();
        let made = json!({ "resourceType": "Task", "meta": { "profile": ["p"] }, "identifier": [{ "value": "own" }] });
        let carried = |carries: Carries| {
            let mut payload = made.clone();
            carry(&mut payload, &carries, "Task/t1/_history/3", updated);
            payload
        };
        let meta = json!({ "versionId": "3", "lastUpdated": "2026-03-02T10:00:00.5Z", "profile": ["p"] });
        assert_eq!(carried(Carries::Meta)["meta"], meta);
        let extended = carried(Carries::Extension("https://ehr.example/version".into()));
        assert_eq!(extended["extension"][0]["extension"][0]["valueString"], "3");
        assert_eq!(extended["meta"], made["meta"]);
        let identified = carried(Carries::Identifier("urn:version".into()));
        assert_eq!(
            (&identified["identifier"][0]["value"], &identified["identifier"][1]["value"]),
            (&json!("own"), &json!("Task/t1/_history/3"))
        );
    }
}
