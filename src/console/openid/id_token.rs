//! Whether an ID token is one for us (OpenID Connect Core 1.0, 3.1.3.7), and a logout token (Back-Channel Logout 1.0, 2.6). Pure: keys
//! and the time are given. What is wrong is told without anything that the token says.

use jsonwebtoken::{DecodingKey, Header, Validation};
use serde_json::{Map, Value};

use super::trouble::Trouble;
use crate::site::OpenIdLogin;

/// Clocks may differ by this.
const LEEWAY_SECS: i64 = 60;
/// A token that was made longer ago was not made for this login.
const OLDEST_SECS: i64 = 10 * 60;
const LONGEST_TOKEN: usize = 64 << 10;
const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

pub(super) type Claims = Map<String, Value>;

/// What is allowed to be signed so; the kind of key is held against it again.
pub(super) fn header(token: &str, login: &OpenIdLogin) -> Result<Header, Trouble> {
    if token.len() > LONGEST_TOKEN {
        return Err(Trouble::untrusted(format!("the token is longer than {LONGEST_TOKEN} bytes")));
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| Trouble::untrusted("the token is not a signed JWT"))?;
    if !login.algorithms.contains(&format!("{:?}", header.alg)) {
        return Err(Trouble::untrusted("the token is signed with an algorithm that the site does not allow"));
    }
    // RFC 7515, 4.1.11: no extension is understood here.
    if header.crit.is_some() {
        return Err(Trouble::untrusted("the token's header has crit"));
    }
    Ok(header)
}

/// What one of the keys signed.
pub(super) fn signed(token: &str, header: &Header, keys: &[DecodingKey]) -> Result<Claims, Trouble> {
    let mut validation = Validation::new(header.alg);
    // Times and the audience are checked by our clock and to the letter, below.
    (validation.validate_exp, validation.validate_aud) = (false, false);
    validation.required_spec_claims.clear();
    let claims = keys.iter().find_map(|key| jsonwebtoken::decode::<Claims>(token, key, &validation).ok());
    claims.map(|read| read.claims).ok_or_else(|| Trouble::untrusted("the token's signature is wrong"))
}

/// Holds an ID token against what was asked for.
pub(super) fn check(claims: &Claims, login: &OpenIdLogin, nonce: &str, now: i64) -> Result<(), Trouble> {
    issued(claims, login, now)?;
    if text(claims, "nonce") != Some(nonce) {
        return Err(Trouble::untrusted("nonce is not that of this login"));
    }
    if text(claims, "sub").is_none_or(|sub| sub.is_empty() || sub.len() > 255) {
        return Err(Trouble::untrusted("there is no sub"));
    }
    if let Some(minutes) = login.max_age_minutes {
        let age = seconds(claims, "auth_time").map(|at| now - at);
        if age.is_none_or(|age| age > i64::from(minutes) * 60 + LEEWAY_SECS || age < -LEEWAY_SECS) {
            let told = format!("this site asks for a login of the last {minutes} minutes. Log in anew there");
            return Err(Trouble::denied(told, "auth_time is missing or older than the site allows"));
        }
    }
    let acr = text(claims, "acr").unwrap_or_default();
    if !login.acr.is_empty() && !login.acr.iter().any(|known| known == acr) {
        let told = "this site asks for a stronger way of logging in there";
        return Err(Trouble::denied(told, "acr is none of those that the site demands"));
    }
    let methods: Vec<&str> =
        claims.get("amr").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    if let Some(lacking) = login.amr.iter().find(|method| !methods.contains(&method.as_str())) {
        let told = "this site asks for a stronger way of logging in there, such as a second factor";
        return Err(Trouble::denied(told, format!("amr does not have {lacking}, which the site demands")));
    }
    Ok(())
}

/// Whom a logout token ends sessions of: the subject, the session there, or both; and its id, which counts once.
pub(super) struct Ended {
    pub subject: Option<String>,
    pub session: Option<String>,
    pub id: String,
}

pub(super) fn check_logout(claims: &Claims, login: &OpenIdLogin, now: i64) -> Result<Ended, Trouble> {
    issued(claims, login, now)?;
    let is_logout = claims.get("events").and_then(|events| events.get(LOGOUT_EVENT)).is_some_and(Value::is_object);
    if !is_logout || claims.contains_key("nonce") {
        return Err(Trouble::untrusted("this is no logout token"));
    }
    let own = |name: &str| text(claims, name).filter(|text| !text.is_empty() && text.len() <= 255).map(String::from);
    let (subject, session) = (own("sub"), own("sid"));
    match own("jti") {
        Some(id) if subject.is_some() || session.is_some() => Ok(Ended { subject, session, id }),
        _ => Err(Trouble::untrusted("the logout token has no jti, or neither sub nor sid")),
    }
}

/// By whom, for whom and when: the same for both.
fn issued(claims: &Claims, login: &OpenIdLogin, now: i64) -> Result<(), Trouble> {
    if text(claims, "iss") != Some(&login.issuer) {
        return Err(Trouble::untrusted("iss is another issuer"));
    }
    let audience: Vec<&Value> = match claims.get("aud") {
        Some(Value::Array(all)) => all.iter().collect(),
        other => other.into_iter().collect(),
    };
    let is_ours = |one: &&Value| one.as_str() == Some(&login.client_id);
    let is_known = |one: &&Value| is_ours(one) || login.audiences.iter().any(|known| one.as_str() == Some(known));
    if !audience.iter().any(is_ours) || !audience.iter().all(is_known) {
        return Err(Trouble::untrusted("aud is not this gateway alone"));
    }
    let party = claims.get("azp");
    if (audience.len() > 1 || party.is_some()) && party.and_then(Value::as_str) != Some(&login.client_id) {
        return Err(Trouble::untrusted("azp is not this gateway"));
    }
    let (expires, made) = (seconds(claims, "exp"), seconds(claims, "iat"));
    if expires.is_none_or(|expires| expires + LEEWAY_SECS <= now) {
        return Err(Trouble::untrusted("the token has expired, or says no exp"));
    }
    if made.is_none_or(|made| made > now + LEEWAY_SECS || made < now - OLDEST_SECS) {
        return Err(Trouble::untrusted("iat is not now: the clocks differ, or the token is an old one"));
    }
    if seconds(claims, "nbf").is_some_and(|starts| starts > now + LEEWAY_SECS) {
        return Err(Trouble::untrusted("the token is not valid yet"));
    }
    Ok(())
}

pub(super) fn text<'c>(claims: &'c Claims, name: &str) -> Option<&'c str> {
    claims.get(name).and_then(Value::as_str)
}

#[allow(clippy::cast_possible_truncation, reason = "bounded before the cast")]
fn seconds(claims: &Claims, name: &str) -> Option<i64> {
    let seconds = claims.get(name)?.as_f64()?;
    (seconds.is_finite() && seconds.abs() < 1e11).then_some(seconds.floor() as i64)
}
