//! One offer as an OpenAPI operation.

use serde_json::{Map, Value, json};

use super::components::{FORM, SMART};
use crate::web::answer::FHIR_TYPE;
use crate::web::offer::{Content, Offer, Who};

/// Operations by path and method.
pub type Paths = Map<String, Value>;

/// What an operation is about beside what its offer says.
pub struct About<'a> {
    /// Where it is: the offer's path, its type put in.
    pub path: String,
    /// Unlike that of all others.
    pub id: String,
    pub tag: &'a str,
    /// The type of the resource.
    pub kind: &'a str,
    /// The names, among the shared parameters, of those that this one has beside those of its offer.
    pub parameters: Vec<String>,
    /// The statuses of faults that every answer of its part of the interface may have.
    pub faults: &'a [u16],
}

/// Adds the operation of an offer.
pub fn add<Does: Copy>(paths: &mut Paths, offer: &Offer<Does>, about: About<'_>) {
    let mut parameters: Vec<Value> = about.path.split(['{', '}']).skip(1).step_by(2).map(in_path).collect();
    let shared = |name: &str| json!({ "$ref": format!("#/components/parameters/{name}") });
    parameters.extend(offer.with.iter().map(|name| shared(name)));
    parameters.extend(about.parameters.iter().map(|name| shared(name)));
    let mut operation = json!({
        "operationId": about.id,
        "summary": offer.title,
        "tags": [about.tag],
        "responses": answers(offer, about.kind, about.faults),
        "security": security(offer.who, about.kind),
    });
    if let Some(operation) = operation.as_object_mut() {
        operation.extend((!parameters.is_empty()).then(|| ("parameters".to_string(), json!(parameters))));
        operation.extend(body(offer.takes, about.kind).map(|body| ("requestBody".to_string(), body)));
    }
    let at = paths.entry(about.path).or_insert_with(|| json!({}));
    if let Some(at) = at.as_object_mut() {
        at.insert(offer.method.name().to_string(), operation);
    }
}

fn in_path(name: &str) -> Value {
    let pattern = if name == "version" { "^[1-9][0-9]{0,8}$" } else { "^[A-Za-z0-9\\-.]{1,64}$" };
    json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "pattern": pattern } })
}

fn security(who: Who, kind: &str) -> Value {
    match who {
        Who::Anybody => json!([]),
        Who::Partner => json!([{}]),
        Who::Token => json!([{ SMART: [] }]),
        Who::Scope(wanted) => json!([{ SMART: [format!("system/{kind}.{wanted}")] }]),
    }
}

fn schema(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn content(content: Content, kind: &str) -> Value {
    match content {
        Content::Nothing | Content::Search => json!({}),
        Content::Resource => json!({ FHIR_TYPE: { "schema": schema(kind) } }),
        Content::One(kind) => json!({ FHIR_TYPE: { "schema": schema(kind) } }),
        Content::Patch => json!({
            FHIR_TYPE: { "schema": schema("Parameters") },
            "application/json-patch+json": { "schema": schema("JsonPatch") },
        }),
        Content::Json(name) => json!({ "application/json": { "schema": schema(name) } }),
        Content::Text(media_type) => json!({ media_type: { "schema": { "type": "string" } } }),
        Content::Form(names) => {
            let each: Map<String, Value> =
                names.iter().map(|name| (name.to_string(), json!({ "type": "string" }))).collect();
            json!({ FORM: { "schema": { "type": "object", "properties": each } } })
        }
    }
}

fn body(takes: Content, kind: &str) -> Option<Value> {
    match takes {
        Content::Nothing => None,
        Content::Search => Some(json!({ "content": { FORM: { "schema": schema(&format!("{kind}.search")) } } })),
        takes => Some(json!({ "required": true, "content": content(takes, kind) })),
    }
}

fn answers<Does: Copy>(offer: &Offer<Does>, kind: &str, common: &[u16]) -> Value {
    let mut answers = Map::new();
    let proof: &[u16] = match offer.who {
        Who::Anybody => &[],
        Who::Partner => &[401],
        Who::Token | Who::Scope(_) => &[401, 403],
    };
    for status in common.iter().chain(proof).chain(offer.faults) {
        let name = match status {
            401 => "Unproven",
            429 | 503 => "Later",
            _ => "Fault",
        };
        answers.insert(status.to_string(), json!({ "$ref": format!("#/components/responses/{name}") }));
    }
    for (status, what) in offer.gives {
        let content = content(*what, kind);
        let answer = match content == json!({}) {
            true => json!({ "description": offer.title }),
            false => json!({ "description": offer.title, "content": content }),
        };
        answers.insert(status.to_string(), answer);
    }
    Value::Object(answers)
}
