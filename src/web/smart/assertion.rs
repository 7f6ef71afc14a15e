//! A JWT by which a partner proves who it is: private_key_jwt at the token endpoint (SMART App Launch 2.2, "Client
//! Confidential Asymmetric"; RFC 7523) and the CDS client's token (CDS Hooks 2.0, "Trusting CDS Clients"). Each works once.

use std::sync::Arc;

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Validation};
use serde::Deserialize;
use serde_json::Value;

use crate::site::{JwksSource, Partner, Site};
use crate::web::service::Service;

/// Clocks may differ by this.
const LEEWAY_SECS: i64 = 30;

/// SMART: "no more than five minutes in the future".
const LONGEST_SECS: i64 = 300;

const LONGEST_TOKEN: usize = 16 * 1024;

#[derive(Debug, Clone, Deserialize)]
pub struct Claims {
    pub iss: Option<String>,
    pub sub: Option<String>,
    pub aud: Option<Value>,
    pub exp: Option<f64>,
    pub nbf: Option<f64>,
    pub iat: Option<f64>,
    pub jti: Option<String>,
}

/// What the token must say.
pub struct Expected<'a> {
    /// Any of these addresses.
    pub audience: &'a [String],
    /// `sub` must be the same as `iss`.
    pub subject_is_issuer: bool,
    /// Keeps apart what may be used once here and once there.
    pub purpose: &'static str,
}

/// Why a token is not taken: a sentence for the partner's developer, without anything it sent.
pub enum Refusal {
    Invalid(&'static str),
    /// The store could not say whether it was used before.
    Unavailable,
}

impl From<&'static str> for Refusal {
    fn from(text: &'static str) -> Self {
        Self::Invalid(text)
    }
}

/// The partner that made this token, if everything about it is right. It cannot be used again afterwards.
pub async fn verify(service: &Service, token: &str, expected: &Expected<'_>) -> Result<Arc<PartnerOf>, Refusal> {
    if token.len() > LONGEST_TOKEN {
        return Err("the JWT is too long".into());
    }
    let now = service.gateway.clock.now();
    let header = jsonwebtoken::decode_header(token).map_err(|_| "the assertion is not a JWT")?;
    if !matches!(header.alg, Algorithm::RS384 | Algorithm::ES384) {
        return Err("the JWT must be signed with RS384 or ES384".into());
    }
    // RFC 7515, 4.1.11: what is not understood must not be passed over, and no extension is understood here.
    if header.crit.is_some() {
        return Err("the JWT's header has crit; no extension is understood here".into());
    }
    let key_id = header.kid.as_deref().ok_or("the JWT's header has no kid")?;
    let unproven: Claims =
        jsonwebtoken::dangerous::insecure_decode(token).map_err(|_| "the JWT's claims cannot be read")?.claims;
    let issuer = unproven.iss.as_deref().ok_or("the JWT has no iss")?;
    let site = service.gateway.site.load_full();
    let partner = site.partners.values().find(|partner| partner.client_id.as_deref() == Some(issuer));
    let partner = partner.ok_or("iss is not the id of a registered client")?;
    if let (Some(told), Some(JwksSource::Url(known))) = (&header.jku, &partner.jwks)
        && told != known
    {
        return Err("jku is not the registered address of the client's keys".into());
    }
    let keys = service.keyring.find(&site, partner, key_id, header.alg, now).await;
    if keys.is_empty() {
        return Err("the client has no key with this kid that fits the algorithm".into());
    }
    let claims = keys.iter().find_map(|key| signed_claims(token, key, header.alg)).ok_or("the signature is wrong")?;
    let expires = check_claims(&claims, expected, now)?;
    let jti = claims.jti.as_deref().filter(|jti| !jti.is_empty() && jti.len() <= 256).ok_or("the JWT has no jti")?;
    let value = format!("{issuer}\n{jti}");
    let first = service.gateway.remember_once(expected.purpose, &value, expires).await;
    if !first.map_err(|_| Refusal::Unavailable)? {
        return Err("this JWT was used before".into());
    }
    Ok(Arc::new(PartnerOf { name: partner.name.clone(), site }))
}

/// A partner and the site that knows it.
pub struct PartnerOf {
    name: String,
    site: Arc<Site>,
}

impl PartnerOf {
    pub fn get(&self) -> Option<&Partner> {
        self.site.partners.get(&self.name)
    }
}

fn signed_claims(token: &str, key: &jsonwebtoken::DecodingKey, algorithm: Algorithm) -> Option<Claims> {
    let mut validation = Validation::new(algorithm);
    // Times and the audience are checked by our clock and to the letter, below.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    Some(jsonwebtoken::decode::<Claims>(token, key, &validation).ok()?.claims)
}

/// Until when the token counts.
fn check_claims(claims: &Claims, expected: &Expected, now: Timestamp) -> Result<Timestamp, &'static str> {
    if expected.subject_is_issuer && claims.sub != claims.iss {
        return Err("sub must be the client's id, as iss is");
    }
    let named = |aud: &Value| aud.as_str().is_some_and(|aud| expected.audience.iter().any(|known| known == aud));
    let audience_right = match &claims.aud {
        Some(Value::Array(all)) => all.iter().any(named),
        Some(one) => named(one),
        None => false,
    };
    if !audience_right {
        return Err("aud must be the address of the endpoint, exactly");
    }
    let now_secs = now.as_second();
    let expires = claims.exp.and_then(whole_seconds).ok_or("the JWT has no exp")?;
    if expires + LEEWAY_SECS <= now_secs {
        return Err("the JWT has expired");
    }
    if expires > now_secs + LONGEST_SECS + LEEWAY_SECS {
        return Err("exp must be at most five minutes ahead");
    }
    let starts = [claims.nbf, claims.iat].into_iter().flatten().filter_map(whole_seconds).max();
    if starts.is_some_and(|starts| starts > now_secs + LEEWAY_SECS) {
        return Err("the JWT is not valid yet: the clocks differ");
    }
    Timestamp::from_second(expires + LEEWAY_SECS).map_err(|_| "exp is not a time")
}

#[allow(clippy::cast_possible_truncation, reason = "bounded before the cast")]
fn whole_seconds(seconds: f64) -> Option<i64> {
    (seconds.is_finite() && seconds.abs() < 1e11).then_some(seconds.floor() as i64)
}
