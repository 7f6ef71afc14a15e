//! The document around the paths.

use serde_json::{Value, json};

use super::components::{parameters, responses, schemas, security};
use super::operation::Paths;

/// The document of an interface at an address. `types` are the resource types that its schemas are asked for.
pub fn document(title: &str, server: &str, base_url: &str, types: &[&str], paths: Paths) -> Value {
    json!({
        "openapi": "3.1.0",
        "info": { "title": title, "version": env!("CARGO_PKG_VERSION"), "license": { "name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE") } },
        "servers": [{ "url": server }],
        "paths": paths,
        "components": {
            "schemas": schemas(types),
            "parameters": parameters(),
            "responses": responses(),
            "securitySchemes": security(base_url, types),
        },
    })
}
