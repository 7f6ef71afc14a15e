//! The document around the paths.

use serde_json::{Map, Value, json};

use super::components::{parameters, responses, schemas, security};
use super::operation::Paths;

/// What a part of the interface is, with the parameters and schemas that its operations share.
#[derive(Default)]
pub struct Described {
    pub paths: Paths,
    pub parameters: Map<String, Value>,
    pub schemas: Map<String, Value>,
}

/// The document of an interface at an address. `types` are the resource types that its schemas are asked for.
pub fn document(title: &str, server: &str, base_url: &str, types: &[&str], described: Described) -> Value {
    let Described { paths, parameters: own, schemas: of_types } = described;
    let (mut shared, mut known) = (parameters(), schemas(types));
    shared.extend(own);
    known.extend(of_types);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE") },
        },
        "servers": [{ "url": server }],
        "paths": paths,
        "components": {
            "schemas": known,
            "parameters": shared,
            "responses": responses(),
            "securitySchemes": security(base_url, types),
        },
    })
}
