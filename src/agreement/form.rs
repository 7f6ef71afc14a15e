//! What a resource looks like to a partner who does not get all of it: without some elements, or without its reason.

use serde_json::{Value, json};

use super::redact::{redact, subset};
use crate::fhir::{Identifier, Resource};

/// Of a Task that leaves without its reason these elements stay, and no others: whose it is, by when and how urgent, and how it
/// stands. All others may tell or imply why (http://hl7.org/fhir/R4/task.html).
const KEPT: [&str; 10] = [
    "id",
    "status",
    "intent",
    "priority",
    "for",
    "owner",
    "authoredOn",
    "lastModified",
    "executionPeriod",
    "restriction",
];

/// Whatever a resource holds, as an element that it was found by.
pub const ANY: &str = "*";

/// How a resource leaves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Form {
    /// Elements that are left out, dotted.
    pub without: Vec<String>,
    /// The words that stand for what a Task is and for why; none where these leave as they are.
    pub instead_of_reason: Option<String>,
}

impl Form {
    pub fn is_whole(&self) -> bool {
        *self == Self::default()
    }

    /// The resource in this form.
    pub fn of(&self, resource: &Resource) -> Resource {
        match &self.instead_of_reason {
            Some(words) => redact(&without_reason(resource, words), &self.without),
            None => redact(resource, &self.without),
        }
    }

    /// Whether an element (`*` for any) is not as it is: who found a resource by it would learn what it holds. Of a choice any type is meant.
    pub fn hides(&self, element: &str) -> bool {
        if element == ANY {
            return !self.is_whole();
        }
        let first = |text: &str| text.split('.').next().unwrap_or_default().to_string();
        let asked = first(element);
        let is_of = |hidden: &String| {
            let hidden = first(hidden);
            let begins = |one: &str, other: &str| {
                one.strip_prefix(other).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
            };
            hidden == asked || begins(&asked, &hidden) || begins(&hidden, &asked)
        };
        let is_reason = || !KEPT.contains(&asked.as_str()) && asked != "identifier";
        self.without.iter().any(is_of) || (self.instead_of_reason.is_some() && is_reason())
    }

    /// For people: `without participant.individual`, `without its reason`.
    pub fn words(&self) -> String {
        let reason = self.instead_of_reason.iter().map(|_| "its reason".to_string());
        let left_out: Vec<String> = reason.chain(self.without.iter().cloned()).collect();
        if left_out.is_empty() { String::new() } else { format!("without {}", left_out.join(", ")) }
    }
}

fn without_reason(resource: &Resource, words: &str) -> Resource {
    let mut bare = Resource::new(resource.resource_type());
    for element in KEPT {
        if let Some(value) = resource.get(element) {
            bare.set(element, value.clone());
        }
    }
    // A system and a value; what kind of number it is and who gave it are words.
    let identifiers: Vec<Value> = resource.identifiers().iter().map(Identifier::to_json).collect();
    if !identifiers.is_empty() {
        bare.set("identifier", Value::Array(identifiers));
    }
    // The name of the patient may be what is kept back; who may have the Task knows its patient by number.
    if let Some(patient) = bare.as_map_mut().get_mut("for").and_then(Value::as_object_mut) {
        patient.shift_remove("display");
    }
    if let Some(restriction) = resource.get("restriction") {
        bare.set("restriction", restriction.get("period").map_or(Value::Null, |period| json!({ "period": period })));
    }
    bare.set("code", json!({ "text": words }));
    bare.set("description", json!(words));
    let mut meta = json!({});
    if let Some(meta) = meta.as_object_mut() {
        for element in ["versionId", "lastUpdated"] {
            let value = resource.get("meta").and_then(|meta| meta.get(element));
            meta.extend(value.map(|value| (element.to_string(), value.clone())));
        }
    }
    // Its labels would tell what kind of reason is not told.
    bare.set("meta", meta);
    subset(&mut bare);
    bare
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task() -> Resource {
        let task = json!({ "resourceType": "Task", "id": "t1", "status": "requested", "intent": "order", "priority": "urgent",
            "meta": { "versionId": "4", "profile": ["https://example.org/alert"], "security": [{ "code": "ETH" }, { "code": "R" }] },
            "identifier": [{ "system": "urn:task", "value": "t1", "type": { "text": "detox" } }],
            "instantiatesCanonical": "https://example.org/ActivityDefinition/detox", "groupIdentifier": { "value": "detox" },
            "code": { "coding": [{ "code": "detox-visit", "display": "Detox visit" }], "text": "Detox visit" },
            "description": "After detox.", "focus": { "reference": "Encounter/e1" }, "reasonCode": { "text": "detox" },
            "for": { "reference": "Patient/p1", "display": "Jane Detox" }, "owner": { "display": "Lakeside" },
            "requester": { "display": "Detox" }, "statusReason": { "text": "detox" }, "note": [{ "text": "detox" }],
            "output": [{ "type": { "text": "detox" } }], "contained": [{ "resourceType": "Basic", "id": "detox" }],
            "extension": [{ "url": "urn:detox" }], "text": { "status": "generated", "div": "detox" },
            "restriction": { "period": { "end": "2026-03-04" }, "recipient": [{ "display": "detox" }] } });
        Resource::try_from(task).unwrap()
    }

    fn stated() -> Form {
        Form { instead_of_reason: Some("Call after an emergency visit".to_string()), ..Form::default() }
    }

    #[test]
    fn a_task_without_its_reason_says_by_when_and_for_whom_and_nothing_of_why() {
        let seen = stated().of(&task());
        let text = Value::from(seen.clone()).to_string().to_lowercase();
        for hidden in ["detox", "\"eth\"", "\"r\"", "encounter", "alert"] {
            assert!(!text.replace("call after an emergency visit", "").contains(hidden), "{hidden}: {text}");
        }
        assert_eq!(seen.get("code"), Some(&json!({ "text": "Call after an emergency visit" })));
        assert_eq!(seen.get("restriction"), Some(&json!({ "period": { "end": "2026-03-04" } })));
        assert_eq!(seen.get("for"), Some(&json!({ "reference": "Patient/p1" })));
        assert_eq!(seen.get("meta").unwrap()["security"][0]["code"], "SUBSETTED");
        assert_eq!(seen.identifiers(), [Identifier::new("urn:task", "t1")]);
    }

    #[test]
    fn elements_that_the_line_leaves_out_stay_out_of_it() {
        let form = Form { without: vec!["owner".to_string(), "priority".to_string()], ..stated() };
        let seen = form.of(&task());
        assert_eq!((seen.get("owner"), seen.get("priority")), (None, None));
        assert_eq!(form.words(), "without its reason, owner, priority");
    }

    #[test]
    fn nobody_finds_a_task_by_what_it_does_not_show() {
        for (element, hidden) in
            [("status", false), ("identifier", false), ("for", false), ("code", true), ("encounter", true)]
        {
            assert_eq!(stated().hides(element), hidden, "{element}");
        }
        let form = Form { without: vec!["effective".to_string()], ..Form::default() };
        assert!(form.hides("effectiveDateTime") && !form.hides("effectively"));
        assert!(form.hides(ANY) && stated().hides(ANY) && !Form::default().hides(ANY));
    }
}
