//! Which partner calls: by a JWT of its own for this address (https://cds-hooks.hl7.org/2.0/#trusting-cds-clients), or by an
//! access token of ours.

use actix_web::HttpRequest;

use crate::web::answer::Fault;
use crate::web::client::{Client, bearer};
use crate::web::scope::Scopes;
use crate::web::service::Service;
use crate::web::smart::{Expected, Refusal, verify};

/// The partner that calls the service at this path below the gateway's address.
pub async fn caller(service: &Service, request: &HttpRequest, path: &str) -> Result<Client, Fault> {
    let missing = "send a JWT as the bearer token: iss is your client id, aud this address";
    let token = bearer(request).ok_or_else(|| Fault::unauthorized(missing))?;
    if let Ok(client) = Client::of(service, request) {
        return Ok(client);
    }
    let base = service.gateway.site.load().settings.base_url.clone();
    let audience = [format!("{base}{path}")];
    let expected = Expected { audience: &audience, subject_is_issuer: false, purpose: "cds-jti" };
    let verified = verify(service, token, &expected).await.map_err(|refusal| match refusal {
        Refusal::Invalid(why) => Fault::invalid_token(why),
        Refusal::Unavailable => Fault::unavailable("the gateway cannot check tokens now; ask again later"),
    })?;
    let partner = verified.get().ok_or_else(|| Fault::invalid_token("iss is not the id of a registered client"))?;
    service.admit_partner(partner)?;
    Ok(Client { partner: partner.name.clone(), scopes: Scopes::default() })
}
