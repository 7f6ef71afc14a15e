//! `POST /auth/introspect` (RFC 7662; https://hl7.org/fhir/smart-app-launch/token-introspection.html): what a token of the caller's own still opens.
//! Of every other token, whatever is wrong with it or whosever it is, the answer is the same: it is not active.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::oauth::{Asked, Form, Refused, refuse, unavailable};
use crate::store::AuditEntry;
use crate::web::answer::write_json;
use crate::web::client::{Client, Holder, bearer};
use crate::web::service::Service;

pub async fn introspect(service: web::Data<Service>, request: HttpRequest, form: Form) -> HttpResponse {
    let told = tell(&service, &request, form).await;
    told.map_or_else(Refused::answer, |told| write_json(StatusCode::OK, &told))
}

async fn tell(service: &Service, request: &HttpRequest, form: Form) -> Result<Value, Refused> {
    // The token type is known by looking; `token_type_hint` is left alone (RFC 7662, 2.1).
    let asked = Asked::read(form, &["token"])?;
    let caller = caller(service, request, &asked).await?;
    let token = asked.get("token").ok_or_else(|| refuse("invalid_request", "there is no token"))?;
    let holder = Holder::of(service, token).filter(|holder| holder.partner == caller && !holder.scopes.is_empty());
    let entry = AuditEntry {
        at: service.gateway.clock.now(),
        agent: caller,
        action: "introspect".to_string(),
        person: None,
        subject: holder.as_ref().map_or("a token".to_string(), |holder| format!("token {}", holder.token.jti)),
        allowed: holder.is_some(),
        because: if holder.is_some() { "its own, and active" } else { "none of its own that is active" }.to_string(),
    };
    service.gateway.write_audit(vec![entry]).await.map_err(|_| unavailable())?;
    let Some(Holder { token, scopes, .. }) = holder else { return Ok(json!({ "active": false })) };
    Ok(json!({
        "active": true,
        "scope": scopes.to_string(),
        "client_id": token.sub,
        "sub": token.sub,
        "iss": token.iss,
        "aud": token.aud,
        "iat": token.iat,
        "exp": token.exp,
        "jti": token.jti,
        "token_type": "Bearer",
    }))
}

/// The partner that asks: by an assertion, as at the token endpoint, or by an access token of its own.
async fn caller(service: &Service, request: &HttpRequest, asked: &Asked) -> Result<String, Refused> {
    match (bearer(request).is_some(), asked.has_proof()) {
        (true, true) => Err(refuse("invalid_request", "prove who you are in one way: by an assertion or by a token")),
        (false, true) => {
            let base_url = service.gateway.site.load().settings.base_url.clone();
            let audience = ["introspect", "token"].map(|name| format!("{base_url}/auth/{name}"));
            let verified = asked.client(service, &audience).await?;
            let partner = verified.get().ok_or_else(unavailable)?;
            service.admit_partner(partner)?;
            Ok(partner.name.clone())
        }
        _ => Ok(Client::of(service, request)?.partner),
    }
}
