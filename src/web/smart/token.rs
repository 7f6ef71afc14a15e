//! `POST /auth/token` (https://hl7.org/fhir/smart-app-launch/backend-services.html#obtain-access-token): client_credentials with
//! private_key_jwt and nothing else. Faults are OAuth's (RFC 6749, 5.2).

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde_json::json;

use super::access_token::LIFE_SECS;
use super::assertion::{Expected, Refusal, verify};
use crate::web::access;
use crate::web::answer::write_json;
use crate::web::scope::Scopes;
use crate::web::service::Service;

pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What is asked; each parameter once (RFC 6749, 3.2).
#[derive(Default)]
struct Asked {
    grant_type: Option<String>,
    assertion_type: Option<String>,
    assertion: Option<String>,
    scope: Option<String>,
}

pub async fn token(service: web::Data<Service>, form: Option<web::Form<Vec<(String, String)>>>) -> HttpResponse {
    let granted = grant(&service, form.map(web::Form::into_inner)).await;
    granted.unwrap_or_else(|refused| {
        let body = json!({ "error": refused.code, "error_description": refused.why });
        write_json(refused.status, &body)
    })
}

async fn grant(service: &Service, form: Option<Vec<(String, String)>>) -> Result<HttpResponse, Refused> {
    let form = form.ok_or_else(|| refuse("invalid_request", "send a form: application/x-www-form-urlencoded"))?;
    let asked = read(form)?;
    if asked.grant_type.as_deref() != Some("client_credentials") {
        let code = if asked.grant_type.is_some() { "unsupported_grant_type" } else { "invalid_request" };
        return Err(refuse(code, "grant_type must be client_credentials"));
    }
    if asked.assertion_type.as_deref() != Some(ASSERTION_TYPE) {
        return Err(refuse("invalid_request", "client_assertion_type must be the one for jwt-bearer"));
    }
    let assertion = asked.assertion.ok_or_else(|| refuse("invalid_request", "there is no client_assertion"))?;
    let base_url = service.gateway.site.load().settings.base_url.clone();
    let audience = [format!("{base_url}/auth/token")];
    let expected = Expected { audience: &audience, subject_is_issuer: true, purpose: "token-jti" };
    let verified = verify(service, &assertion, &expected).await.map_err(|refusal| match refusal {
        Refusal::Invalid(why) => refuse("invalid_client", why),
        Refusal::Unavailable => unavailable(),
    })?;
    let partner = verified.get().ok_or_else(unavailable)?;
    let wanted = asked.scope.ok_or_else(|| refuse("invalid_scope", "name the scopes: system/Task.rs, for instance"))?;
    let registered = Scopes::parse(&partner.scopes.join(" "));
    let mut granted = Scopes::grant(&Scopes::parse(&wanted), &registered);
    access::limit_to_agreements(service, partner, &mut granted);
    if granted.is_empty() {
        let why = "none of these scopes is both registered for the client and allowed by an agreement";
        return Err(refuse("invalid_scope", why));
    }
    let scope = granted.to_string();
    let client_id = partner.client_id.as_deref().unwrap_or_default();
    let now = service.gateway.clock.now();
    let token = service.token_key.give(&base_url, client_id, scope.clone(), now).map_err(|error| {
        tracing::error!(%error, "a token could not be signed");
        unavailable()
    })?;
    let body = json!({ "access_token": token, "token_type": "bearer", "expires_in": LIFE_SECS, "scope": scope });
    Ok(write_json(StatusCode::OK, &body))
}

fn read(form: Vec<(String, String)>) -> Result<Asked, Refused> {
    let mut asked = Asked::default();
    for (name, value) in form {
        let place = match name.as_str() {
            "grant_type" => &mut asked.grant_type,
            "client_assertion_type" => &mut asked.assertion_type,
            "client_assertion" => &mut asked.assertion,
            "scope" => &mut asked.scope,
            _ => continue,
        };
        if place.replace(value).is_some() {
            return Err(refuse("invalid_request", "a parameter is given twice"));
        }
    }
    Ok(asked)
}

/// RFC 6749, 5.2.
struct Refused {
    status: StatusCode,
    code: &'static str,
    why: &'static str,
}

fn refuse(code: &'static str, why: &'static str) -> Refused {
    let status = if code == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
    Refused { status, code, why }
}

fn unavailable() -> Refused {
    let why = "the gateway cannot give tokens now; ask again later";
    Refused { status: StatusCode::SERVICE_UNAVAILABLE, code: "temporarily_unavailable", why }
}
