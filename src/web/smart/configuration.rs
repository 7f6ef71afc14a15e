//! `.well-known/smart-configuration` (https://hl7.org/fhir/smart-app-launch/conformance.html): what a client needs to get a token, and what one
//! opens here. Nothing of it is about people who log in: nobody does at this interface, so there is no issuer and no place to authorize.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde_json::{Value, json};

use crate::fhir::search::SERVED;
use crate::fhir::{home_of, is_deletable, is_revised};
use crate::web::answer::write_json;
use crate::web::service::Service;

pub async fn configuration(service: web::Data<Service>) -> HttpResponse {
    let base = service.gateway.site.load().settings.base_url.clone();
    write_json(StatusCode::OK, &stated(&base))
}

fn stated(base: &str) -> Value {
    let algorithms = ["RS384", "ES384"];
    json!({
        "jwks_uri": format!("{base}/.well-known/jwks.json"),
        "token_endpoint": format!("{base}/auth/token"),
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint": format!("{base}/auth/introspect"),
        // The second is a client's own access token (RFC 8414, 2).
        "introspection_endpoint_auth_methods_supported": ["private_key_jwt", "Bearer"],
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "grant_types_supported": ["client_credentials"],
        "scopes_supported": scopes(),
        // Required of every configuration, though no flow here uses a code.
        "code_challenge_methods_supported": ["S256"],
        "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2"],
    })
}

/// For all types, and of each type the letters that do something.
fn scopes() -> Vec<String> {
    let letters = |kind: &str| match (home_of(kind).is_some(), is_deletable(kind)) {
        (false, _) => "rs",
        _ if !is_revised(kind) => "crs",
        (true, false) => "crus",
        (true, true) => "cruds",
    };
    let each = SERVED.iter().map(|kind| format!("system/{kind}.{}", letters(kind)));
    ["read", "write", "rs", "cruds"].map(|what| format!("system/*.{what}")).into_iter().chain(each).collect()
}
