//! Who asks: the partner behind a bearer token, and what its token lets it do.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;

use super::answer::Fault;
use super::scope::{Permissions, Scopes};
use super::service::Service;
use super::smart::AccessToken;
use crate::site::Partner;

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
        let holder = Holder::of(service, token).ok_or_else(refused)?;
        let site = service.gateway.site.load();
        service.admit_partner(site.partners.get(&holder.partner).ok_or_else(refused)?)?;
        Ok(Self { partner: holder.partner, scopes: holder.scopes })
    }

    /// 403 unless the token's scopes allow this.
    pub fn require(&self, resource_type: &str, wanted: Permissions) -> Result<(), Fault> {
        if self.scopes.allow(resource_type, wanted) {
            return Ok(());
        }
        Err(Fault::insufficient_scope(&format!("system/{resource_type}.{wanted}")))
    }
}

/// What a token still says, and of whom.
pub struct Holder {
    pub token: Arc<AccessToken>,
    pub partner: String,
    pub scopes: Scopes,
}

impl Holder {
    /// None where the token is none of ours, has expired, or its client is no longer registered.
    pub fn of(service: &Service, token: &str) -> Option<Self> {
        let site = service.gateway.site.load();
        let token = service.token_key.check(&site.settings.base_url, token, service.gateway.clock.now())?;
        let is_its = |partner: &&Partner| partner.client_id.as_deref() == Some(token.sub.as_str());
        let partner = site.partners.values().find(is_its)?;
        // A registration that has shrunk counts at once, not when the token ends.
        let scopes = Scopes::grant(&Scopes::parse(&token.scope), &Scopes::parse(&partner.scopes.join(" ")));
        Some(Self { partner: partner.name.clone(), scopes, token })
    }
}

/// The token of an Authorization header (RFC 6750, 2.1).
pub fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}
