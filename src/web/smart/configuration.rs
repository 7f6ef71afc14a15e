//! `.well-known/smart-configuration` (https://hl7.org/fhir/smart-app-launch/conformance.html): what a client needs to get a token.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde_json::json;

use crate::web::answer::write_json;
use crate::web::service::Service;

pub async fn configuration(service: web::Data<Service>) -> HttpResponse {
    let base = service.gateway.site.load().settings.base_url.clone();
    let body = json!({
        "issuer": base,
        "jwks_uri": format!("{base}/.well-known/jwks.json"),
        "token_endpoint": format!("{base}/auth/token"),
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
        "grant_types_supported": ["client_credentials"],
        "scopes_supported": ["system/*.rs", "system/*.cruds", "system/*.read", "system/*.write"],
        // Required of every configuration, though no flow here uses a code.
        "code_challenge_methods_supported": ["S256"],
        "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2"],
    });
    write_json(StatusCode::OK, &body)
}
