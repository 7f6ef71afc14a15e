//! Who asks: the partner behind a bearer token, and what its token lets it do.

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;

use super::answer::Fault;
use super::scope::{Permissions, Scopes};
use super::service::Service;

/// An authenticated partner.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its name in the site.
    pub partner: String,
    pub scopes: Scopes,
}

impl Client {
    /// The client of a request; 401 when its token is none of ours or has expired.
    pub fn of(service: &Service, request: &HttpRequest) -> Result<Self, Fault> {
        let token = bearer(request).ok_or_else(|| Fault::unauthorized("send a bearer token; /auth/token gives one"))?;
        let refused = || Fault::invalid_token("the access token is not valid here or has expired; get a new one");
        let site = service.gateway.site.load();
        let read = service.token_key.check(&site.settings.base_url, token, service.gateway.clock.now());
        let read = read.ok_or_else(refused)?;
        let partner = site.partners.values().find(|partner| partner.client_id.as_deref() == Some(read.sub.as_str()));
        let partner = partner.ok_or_else(refused)?;
        // A registration that has shrunk counts at once, not when the token ends.
        let scopes = Scopes::grant(&Scopes::parse(&read.scope), &Scopes::parse(&partner.scopes.join(" ")));
        service.admit_partner(partner)?;
        Ok(Self { partner: partner.name.clone(), scopes })
    }

    /// 403 unless the token's scopes allow this.
    pub fn require(&self, resource_type: &str, wanted: Permissions) -> Result<(), Fault> {
        if self.scopes.allow(resource_type, wanted) {
            return Ok(());
        }
        Err(Fault::insufficient_scope(&format!("system/{resource_type}.{wanted}")))
    }
}

/// The token of an Authorization header (RFC 6750, 2.1).
pub fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}
