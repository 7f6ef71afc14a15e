//! What the operations of the OpenAPI document share: schemas, parameters, faults, and how a client proves who it is.

use serde_json::{Map, Value, json};

use crate::web::answer::FHIR_TYPE;

/// The scheme of access tokens.
pub const SMART: &str = "smart";
/// The media type of forms.
pub const FORM: &str = "application/x-www-form-urlencoded";

/// An object of a resource's type that holds at least these, which are described.
fn resource(kind: &str, required: &[&str], further: Value) -> Value {
    let mut properties = Map::new();
    properties.insert("resourceType".to_string(), json!({ "const": kind }));
    properties.insert("id".to_string(), json!({ "type": "string" }));
    properties.insert("meta".to_string(), json!({ "type": "object" }));
    properties.extend(further.as_object().cloned().unwrap_or_default());
    let required: Vec<&str> = ["resourceType"].into_iter().chain(required.iter().copied()).collect();
    json!({ "type": "object", "required": required, "properties": properties })
}

/// Of the types that are named, and of what answers are made of. What a resource holds is said by FHIR's definitions, not here.
pub fn schemas(types: &[&str]) -> Map<String, Value> {
    let named = types.iter().copied().chain(["CapabilityStatement", "Parameters"]);
    let of_type = |kind: &str| (kind.to_string(), resource(kind, &[], json!({})));
    let mut schemas: Map<String, Value> = named.map(of_type).collect();
    let objects = json!({ "type": "array", "items": { "type": "object" } });
    let kinds = ["searchset", "history", "transaction", "transaction-response", "batch", "batch-response", "message"];
    let of_bundle = json!({
        "type": { "enum": kinds },
        "total": { "type": "integer", "minimum": 0 },
        "link": objects,
        "entry": objects,
    });
    schemas.insert("Bundle".to_string(), resource("Bundle", &["type"], of_bundle));
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    let of_outcome = json!({ "issue": { "type": "array", "minItems": 1, "items": {
        "type": "object",
        "required": ["severity", "code"],
        "properties": {
            "severity": { "enum": ["fatal", "error", "warning", "information"] },
            "code": { "type": "string" },
            "diagnostics": { "type": "string" },
            "details": { "type": "object" },
            "expression": texts,
            "location": texts,
        },
    } } });
    let outcome = resource("OperationOutcome", &["issue"], of_outcome);
    schemas.insert("OperationOutcome".to_string(), outcome);
    schemas.insert("Object".to_string(), json!({ "type": "object" }));
    schemas.insert(
        "JsonPatch".to_string(),
        json!({ "type": "array", "minItems": 1, "items": {
        "type": "object",
        "required": ["op", "path"],
        "properties": {
            "op": { "enum": ["add", "remove", "replace", "move", "copy", "test"] },
            "path": { "type": "string" },
            "from": { "type": "string" },
        },
    } }),
    );
    schemas.insert(
        "OAuthFault".to_string(),
        json!({
            "type": "object",
            "required": ["error"],
            "properties": { "error": { "type": "string" }, "error_description": { "type": "string" } },
        }),
    );
    schemas
}

/// The parameters and headers that offers name.
pub fn parameters() -> Map<String, Value> {
    let text = json!({ "type": "string" });
    let header = |name: &'static str, what: &str| {
        (name, json!({ "name": name, "in": "header", "schema": text, "description": what }))
    };
    let query = |name: &'static str, what: &str, schema: Value| {
        (name, json!({ "name": name, "in": "query", "schema": schema, "description": what }))
    };
    let all = [
        query("_count", "entries on a page", json!({ "type": "integer", "minimum": 1, "maximum": 250 })),
        query("_since", "what changed at or after this instant", json!({ "type": "string", "format": "date-time" })),
        query("_at", "what was current at some point of this time", text.clone()),
        query("_type", "types, joined by commas", text.clone()),
        query("start", "care that ended at or after this date", text.clone()),
        query("end", "care that began at or before this date", text.clone()),
        query("profile", "canonical URLs of profiles", json!({ "type": "array", "maxItems": 8, "items": text })),
        header("If-Match", "the version that is meant, as its ETag"),
        header("If-None-Match", "for reads the version that is known; for updates *, so that nothing is replaced"),
        header("If-Modified-Since", "when it was read last"),
        header("If-None-Exist", "a search; where it finds one, nothing is created"),
        header("Prefer", "return=minimal, representation or OperationOutcome; handling=lenient or strict"),
        header("X-Request-Id", "the same request under the same number is done once"),
    ];
    all.into_iter().map(|(name, parameter)| (name.to_string(), parameter)).collect()
}

/// Faults, all of them an OperationOutcome.
pub fn responses() -> Value {
    let fault = |what: &str, header: Option<&str>| {
        let content = json!({ FHIR_TYPE: { "schema": { "$ref": "#/components/schemas/OperationOutcome" } } });
        let headers: Map<String, Value> =
            header.into_iter().map(|name| (name.to_string(), json!({ "schema": { "type": "string" } }))).collect();
        json!({ "description": what, "content": content, "headers": headers })
    };
    json!({
        "Fault": fault("says what was wrong, where, and what to change", None),
        "Unproven": fault("no token, or none that counts here", Some("WWW-Authenticate")),
        "Later": fault("come again later", Some("Retry-After")),
    })
}

/// SMART Backend Services (https://hl7.org/fhir/smart-app-launch/backend-services.html).
pub fn security(base_url: &str, types: &[&str]) -> Value {
    let scopes: Map<String, Value> = types
        .iter()
        .chain(&["*"])
        .flat_map(|kind| ["c", "r", "u", "d", "s"].map(|letter| format!("system/{kind}.{letter}")))
        .map(|scope| (scope, json!("")))
        .collect();
    let flow = json!({ "tokenUrl": format!("{base_url}/auth/token"), "scopes": scopes });
    json!({ SMART: { "type": "oauth2", "flows": { "clientCredentials": flow } } })
}
