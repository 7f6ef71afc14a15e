//! `POST /auth/token` (https://hl7.org/fhir/smart-app-launch/backend-services.html#obtain-access-token): client_credentials with
//! private_key_jwt and nothing else. Faults are OAuth's (RFC 6749, 5.2).

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde_json::{Value, json};

use super::access_token::LIFE_SECS;
use super::oauth::{Asked, Form, Refused, refuse, unavailable};
use crate::web::answer::write_json;
use crate::web::limits::limit_to_agreements;
use crate::web::scope::Scopes;
use crate::web::service::Service;

pub async fn token(service: web::Data<Service>, form: Form) -> HttpResponse {
    let granted = grant(&service, form).await;
    granted.map_or_else(Refused::answer, |granted| write_json(StatusCode::OK, &granted))
}

async fn grant(service: &Service, form: Form) -> Result<Value, Refused> {
    let asked = Asked::read(form, &["grant_type", "scope"])?;
    if asked.get("grant_type") != Some("client_credentials") {
        let code = if asked.get("grant_type").is_some() { "unsupported_grant_type" } else { "invalid_request" };
        return Err(refuse(code, "grant_type must be client_credentials"));
    }
    let base_url = service.gateway.site.load().settings.base_url.clone();
    let verified = asked.client(service, &[format!("{base_url}/auth/token")]).await?;
    let partner = verified.get().ok_or_else(unavailable)?;
    let wanted = asked.get("scope");
    let wanted = wanted.ok_or_else(|| refuse("invalid_scope", "name the scopes: system/Task.rs, for instance"))?;
    let registered = Scopes::parse(&partner.scopes.join(" "));
    let mut granted = Scopes::grant(&Scopes::parse(wanted), &registered);
    limit_to_agreements(service, partner, &mut granted);
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
    Ok(json!({ "access_token": token, "token_type": "bearer", "expires_in": LIFE_SECS, "scope": scope }))
}
