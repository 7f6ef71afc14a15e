//! What a server says of itself (http://hl7.org/fhir/R4/capabilitystatement.html), reduced to what whoever writes there needs to
//! know. Where a statement says nothing, nothing is known: it is never taken for a no.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Definitions;

/// Of a server's name for itself so much is shown.
const LONGEST_NAME: usize = 80;

/// A server's statement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// The software and its version, in its own words.
    pub software: Option<String>,
    pub fhir_version: Option<String>,
    /// By resource type; none where it says nothing of types.
    pub types: BTreeMap<String, OfferedType>,
    /// Whether it takes transactions.
    pub transaction: Option<bool>,
}

/// What it says of one type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedType {
    /// Codes of TypeRestfulInteraction; none where it says nothing of them.
    pub interactions: Vec<String>,
    pub conditional_update: Option<bool>,
}

impl Offered {
    /// Reads a statement; a sentence where it is none.
    pub fn read(statement: &Value) -> Result<Self, String> {
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(short);
        let kind = text(statement, "resourceType").unwrap_or_default();
        if kind != "CapabilityStatement" {
            let what = if Definitions::r4().is_resource(&kind) { kind.as_str() } else { "something else" };
            return Err(format!("no CapabilityStatement but {what}"));
        }
        let software = statement.get("software").and_then(|software| {
            let parts = [text(software, "name")?, text(software, "version").unwrap_or_default()];
            Some(parts.join(" ").trim().to_string())
        });
        let mut read = Self { software, fhir_version: text(statement, "fhirVersion"), ..Self::default() };
        let all = statement.get("rest").and_then(Value::as_array);
        let is_server = |rest: &&Value| rest.get("mode").and_then(Value::as_str).is_none_or(|mode| mode == "server");
        for rest in all.into_iter().flatten().filter(is_server) {
            let whole = codes(rest);
            if !whole.is_empty() {
                let takes = whole.iter().any(|code| code == "transaction");
                read.transaction = Some(takes || read.transaction.unwrap_or_default());
            }
            for resource in rest.get("resource").and_then(Value::as_array).into_iter().flatten() {
                // Nothing lost: what is no type of R4 is never sent.
                let Some(kind) = text(resource, "type").filter(|kind| Definitions::r4().is_resource(kind)) else {
                    continue;
                };
                let conditional_update = resource.get("conditionalUpdate").and_then(Value::as_bool);
                let said = read.types.entry(kind).or_default();
                said.interactions.extend(codes(resource));
                said.conditional_update = conditional_update.or(said.conditional_update);
            }
        }
        Ok(read)
    }

    /// Whether a type is updated by a search (http://hl7.org/fhir/R4/http.html#cond-update), where it says.
    pub fn takes_conditional_update(&self, kind: &str) -> Option<bool> {
        self.types.get(kind)?.conditional_update
    }

    /// What it says it does not offer of what writing a type needs, in words; empty where it offers all of it, or does not say.
    pub fn lacks(&self, kind: &str) -> Vec<String> {
        if self.types.is_empty() {
            return Vec::new();
        }
        let Some(said) = self.types.get(kind).filter(|_| kind != "Bundle") else { return vec![kind.to_string()] };
        if said.interactions.is_empty() {
            return Vec::new();
        }
        let needed: &[&str] = match said.conditional_update {
            Some(false) => &["update", "create", "search-type"],
            _ => &["update"],
        };
        let lacking = needed.iter().filter(|code| !said.interactions.iter().any(|known| known == *code));
        lacking.map(|code| format!("{} of {kind}", code.trim_end_matches("-type"))).collect()
    }

    /// The version of FHIR that it names, where that is not R4.
    pub fn other_version(&self) -> Option<&str> {
        self.fhir_version.as_deref().filter(|version| !version.starts_with("4.0"))
    }
}

fn codes(of: &Value) -> Vec<String> {
    let all = of.get("interaction").and_then(Value::as_array).into_iter().flatten();
    all.filter_map(|one| Some(short(one.get("code")?.as_str()?))).collect()
}

fn short(text: &str) -> String {
    // Nothing lost: what is longer is no name or code of FHIR's.
    text.chars().filter(|letter| !letter.is_control()).take(LONGEST_NAME).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_statement_does_not_say_is_not_a_no() {
        let silent = Offered::read(&json!({ "resourceType": "CapabilityStatement", "fhirVersion": "4.0.1" })).unwrap();
        assert_eq!((silent.lacks("Task"), silent.takes_conditional_update("Task")), (vec![], None));
        assert_eq!((silent.transaction, silent.other_version()), (None, None));
        let types = |resource: Value| {
            let rest = json!([{ "mode": "client", "interaction": [{ "code": "transaction" }] }, { "mode": "server", "resource": resource }]);
            Offered::read(&json!({ "resourceType": "CapabilityStatement", "rest": rest })).unwrap()
        };
        let bare = types(json!([{ "type": "Task" }]));
        assert_eq!((bare.lacks("Task"), bare.lacks("Flag")), (vec![], vec!["Flag".to_string()]));
        assert_eq!((bare.takes_conditional_update("Task"), bare.transaction), (None, None));
    }

    #[test]
    fn what_it_does_not_offer_is_named() {
        let read = Offered::read(&json!({ "resourceType": "CapabilityStatement", "fhirVersion": "3.0.2",
            "software": { "name": "An EHR\n", "version": "2025.1" },
            "rest": [{ "mode": "server", "interaction": [{ "code": "batch" }], "resource": [
                { "type": "Task", "conditionalUpdate": false, "interaction": [{ "code": "read" }, { "code": "update" }, { "code": "create" }] },
                { "type": "Flag", "conditionalUpdate": true, "interaction": [{ "code": "update" }] },
                { "type": "CarePlan", "interaction": [{ "code": "read" }, { "code": "search-type" }] },
                { "type": "Appointments", "interaction": [{ "code": "update" }] } ] }] }))
        .unwrap();
        assert_eq!(read.lacks("Task"), ["search of Task"]);
        assert_eq!(read.lacks("Flag"), [""; 0]);
        assert_eq!(read.lacks("CarePlan"), ["update of CarePlan"]);
        assert_eq!(read.lacks("Goal"), ["Goal"]);
        assert_eq!(
            (read.takes_conditional_update("Task"), read.takes_conditional_update("Flag")),
            (Some(false), Some(true))
        );
        assert_eq!((read.other_version(), read.software.as_deref()), (Some("3.0.2"), Some("An EHR 2025.1")));
        assert_eq!((read.transaction, read.types.len()), (Some(false), 3));
    }

    #[test]
    fn what_is_no_statement_is_none() {
        let of = |value: Value| Offered::read(&value).unwrap_err();
        assert_eq!(of(json!({ "resourceType": "Bundle" })), "no CapabilityStatement but Bundle");
        assert_eq!(of(json!({ "resourceType": "Smith" })), "no CapabilityStatement but something else");
        assert_eq!(of(json!([1])), "no CapabilityStatement but something else");
    }
}
