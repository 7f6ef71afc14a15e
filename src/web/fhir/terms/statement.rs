//! What the terminology service says of itself: in the CapabilityStatement, and as TerminologyCapabilities
//! (http://hl7.org/fhir/R4/terminologycapabilities.html) at `/metadata?mode=terminology`.

use serde_json::{Value, json};

use crate::profile::Profiles;

const OF_R4: &str = "http://hl7.org/fhir/SearchParameter";

/// The three types as a CapabilityStatement lists them.
pub fn stated_resources() -> Vec<Value> {
    let operations: [(&str, &[(&str, &str)]); 3] = [
        (
            "CodeSystem",
            &[
                ("lookup", "CodeSystem-lookup"),
                ("validate-code", "CodeSystem-validate-code"),
                ("subsumes", "CodeSystem-subsumes"),
            ],
        ),
        ("ConceptMap", &[("translate", "ConceptMap-translate"), ("closure", "ConceptMap-closure")]),
        ("ValueSet", &[("expand", "ValueSet-expand"), ("validate-code", "ValueSet-validate-code")]),
    ];
    operations.into_iter().map(|(kind, operations)| stated(kind, operations)).collect()
}

fn stated(kind: &str, operations: &[(&str, &str)]) -> Value {
    let validate = [("validate", "Resource-validate")];
    let operations: Vec<Value> = operations
        .iter()
        .chain(&validate)
        .map(
            |(name, id)| json!({ "name": name, "definition": format!("http://hl7.org/fhir/OperationDefinition/{id}") }),
        )
        .collect();
    let search =
        |name: &str, definition: String, kind: &str| json!({ "name": name, "definition": definition, "type": kind });
    let own = [("url", "uri"), ("name", "string"), ("version", "token"), ("status", "token")];
    let parameters = own.into_iter().map(|(name, of)| search(name, format!("{OF_R4}/conformance-{name}"), of));
    let parameters: Vec<Value> =
        std::iter::once(search("_id", format!("{OF_R4}/Resource-id"), "token")).chain(parameters).collect();
    json!({
        "type": kind,
        "interaction": [{ "code": "read" }, { "code": "search-type" }],
        "versioning": "no-version",
        "searchParam": parameters,
        "operation": operations,
    })
}

/// TerminologyCapabilities: the code systems that are held, and what can be asked.
pub fn terminology(base_url: &str, started: &str, profiles: &Profiles) -> Value {
    let library = profiles.library();
    let systems: Vec<Value> = library
        .code_systems()
        .into_iter()
        .map(|(url, summary)| match summary.version {
            Some(version) => json!({ "uri": url, "version": [{ "code": version, "isDefault": true }] }),
            None => json!({ "uri": url }),
        })
        .collect();
    let version = env!("CARGO_PKG_VERSION");
    let parameters = super::expand::KNOWN.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>();
    json!({
        "resourceType": "TerminologyCapabilities",
        "url": format!("{base_url}/fhir/metadata?mode=terminology"),
        "version": version,
        "name": "HandoverTerminology",
        "title": "Handover terminology service",
        "status": "active",
        "date": started,
        "kind": "instance",
        "software": { "name": "Handover", "version": version },
        "implementation": { "description": "Care coordination gateway", "url": format!("{base_url}/fhir") },
        "lockedDate": false,
        "codeSystem": systems,
        "expansion": { "hierarchical": false, "paging": true, "incomplete": false, "parameter": parameters, "textFilter": "Words, each from its beginning, whatever the case and the accents: of the code, its display and its designations" },
        "codeSearch": "all",
        "validateCode": { "translations": true },
        "translation": { "needsMap": false },
        "closure": { "translation": false },
    })
}
