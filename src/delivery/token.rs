//! SMART Backend Services as a client (https://hl7.org/fhir/smart-app-launch/backend-services.html): finds the partner's
//! token endpoint, proves who we are with a signed assertion, keeps the token until shortly before it ends.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::read_bounded;
use super::keys::{KeyError, SigningKey};
use crate::site::SmartClient;

/// An assertion lives as long as the specification allows at most, less a margin for clocks that differ.
const ASSERTION_SECS: i64 = 240;

/// A token that says nothing of its end is used for this long.
const UNSTATED_TOKEN_SECS: i64 = 60;

pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Why there is no token. The texts hold codes only, nothing a server wrote freely.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("the token endpoint did not answer: {0}")]
    Unreachable(#[source] reqwest::Error),
    #[error("the token endpoint answered {status}{code}")]
    Refused { status: u16, code: String },
    #[error("{0}")]
    Discovery(String),
    #[error("the token endpoint's answer cannot be used: {0}")]
    Answer(&'static str),
    #[error("our assertion could not be signed: {0}")]
    Signing(String),
}

/// The token of one partner. The lock is held while one is fetched, so that all who need it wait for that one.
#[derive(Debug, Default)]
pub struct TokenSlot(tokio::sync::Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    endpoint: Option<String>,
    token: Option<(String, Timestamp)>,
}

/// What asking for a token takes.
pub struct Request<'a> {
    pub http: &'a reqwest::Client,
    pub fhir_base: &'a str,
    pub client: &'a SmartClient,
    pub key: &'a SigningKey,
    pub now: Timestamp,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    token_type: Option<String>,
    expires_in: Option<Value>,
}

impl TokenSlot {
    /// A token that is good for some seconds yet.
    pub async fn bearer(&self, request: &Request<'_>) -> Result<String, TokenError> {
        let mut kept = self.0.lock().await;
        if let Some((token, until)) = &kept.token
            && request.now < *until
        {
            return Ok(token.clone());
        }
        let endpoint = match (&request.client.token_url, &kept.endpoint) {
            (Some(url), _) | (None, Some(url)) => url.clone(),
            (None, None) => discover(request).await?,
        };
        kept.endpoint = Some(endpoint.clone());
        kept.token = None;
        let (token, until) = fetch(request, &endpoint).await?;
        kept.token = Some((token.clone(), until));
        Ok(token)
    }

    /// Forgets a token that was refused, unless somebody has renewed it already; and where it came from, since a partner
    /// may have moved.
    pub async fn forget(&self, refused: &str) {
        let mut kept = self.0.lock().await;
        if kept.token.as_ref().is_some_and(|(token, _)| token == refused) {
            *kept = Kept::default();
        }
    }
}

/// https://hl7.org/fhir/smart-app-launch/conformance.html
async fn discover(request: &Request<'_>) -> Result<String, TokenError> {
    let url = format!("{}/.well-known/smart-configuration", request.fhir_base.trim_end_matches('/'));
    let sent = request.http.get(&url).header("accept", "application/json").send().await;
    let mut response = sent.map_err(TokenError::Unreachable)?;
    let status = response.status();
    if !status.is_success() {
        let text =
            format!("the partner's .well-known/smart-configuration answered {}; give token_url", status.as_u16());
        return Err(TokenError::Discovery(text));
    }
    let body: Value = serde_json::from_slice(&read_bounded(&mut response).await).unwrap_or_default();
    let Some(endpoint) = body.get("token_endpoint").and_then(Value::as_str) else {
        let text = "the partner's .well-known/smart-configuration names no token_endpoint; give token_url";
        return Err(TokenError::Discovery(text.to_string()));
    };
    let algorithms = body.get("token_endpoint_auth_signing_alg_values_supported").and_then(Value::as_array);
    let ours = json!(format!("{:?}", request.key.algorithm()));
    if algorithms.is_some_and(|known| !known.is_empty() && !known.contains(&ours)) {
        let text = format!("the partner's token endpoint does not take {ours} signatures; give another key");
        return Err(TokenError::Discovery(text));
    }
    // Whoever answers for the partner's server must not be able to have us prove who we are to somebody else: what it names
    // is used for its own origin, and any other address is the site's to name.
    if !is_same_origin(request.fhir_base, endpoint) {
        let text = "the partner names a token_endpoint of another origin than its FHIR server; where that is right, pin it: \
                    write it as token_url";
        return Err(TokenError::Discovery(text.to_string()));
    }
    Ok(endpoint.to_string())
}

/// Scheme, host and port are the same (RFC 6454, 5), and nobody's name is in the address.
pub fn is_same_origin(base: &str, endpoint: &str) -> bool {
    let parsed = (reqwest::Url::parse(base), reqwest::Url::parse(endpoint));
    let (Ok(base), Ok(endpoint)) = parsed else { return false };
    endpoint.has_host()
        && base.origin() == endpoint.origin()
        && endpoint.username().is_empty()
        && endpoint.password().is_none()
}

async fn fetch(request: &Request<'_>, endpoint: &str) -> Result<(String, Timestamp), TokenError> {
    let signed = assertion(&request.client.client_id, endpoint, request.key, request.now);
    let assertion = signed.map_err(|error| TokenError::Signing(error.to_string()))?;
    let scope = request.client.scopes.join(" ");
    let mut form = vec![
        ("grant_type", "client_credentials"),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", assertion.as_str()),
    ];
    if !scope.is_empty() {
        form.push(("scope", scope.as_str()));
    }
    let sent = request.http.post(endpoint).header("accept", "application/json").form(&form).send().await;
    let mut response = sent.map_err(TokenError::Unreachable)?;
    let status = response.status();
    let body = read_bounded(&mut response).await;
    if !status.is_success() {
        return Err(TokenError::Refused { status: status.as_u16(), code: oauth_code(&body) });
    }
    let granted: Granted = serde_json::from_slice(&body).map_err(|_| TokenError::Answer("no access_token in JSON"))?;
    if granted.token_type.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(TokenError::Answer("its token_type is not bearer"));
    }
    let lives = granted.expires_in.as_ref().and_then(read_seconds).unwrap_or(UNSTATED_TOKEN_SECS).clamp(1, 86_400);
    let margin = (lives / 4).min(30);
    let until = request.now.saturating_add(SignedDuration::from_secs(lives - margin)).unwrap_or(request.now);
    Ok((granted.access_token, until))
}

/// Some servers write the number as a string.
fn read_seconds(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html#authenticating-to-the-token-endpoint
pub fn assertion(client_id: &str, endpoint: &str, key: &SigningKey, now: Timestamp) -> Result<String, KeyError> {
    let now = now.as_second();
    let claims = json!({
        "iss": client_id,
        "sub": client_id,
        "aud": endpoint,
        "iat": now,
        "exp": now + ASSERTION_SECS,
        "jti": format!("{:032x}", rand::random::<u128>()),
    });
    key.sign(&claims)
}

/// RFC 6749, 5.2: only the codes it lists, so that nothing else a server wrote gets through.
pub fn oauth_code(body: &[u8]) -> String {
    const CODES: [&str; 6] = [
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    ];
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let code = body.get("error").and_then(Value::as_str).filter(|code| CODES.contains(code));
    let Some(code) = code else { return String::new() };
    let hint = match code {
        "invalid_client" => ": our client id, key or secret is not the one registered there",
        "invalid_scope" => ": it does not grant the scopes that the site asks for",
        _ => "",
    };
    format!(" {code}{hint}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_discovered_endpoint_is_of_the_partners_own_origin() {
        let base = "https://ehr.example/fhir";
        for right in ["https://ehr.example/token", "https://EHR.example:443/oauth2/token"] {
            assert!(is_same_origin(base, right), "{right}");
        }
        for wrong in [
            "https://other.example/token",
            "https://ehr.example.other.example/token",
            "https://ehr.example@other.example/token",
            "https://ehr.example:8443/token",
            "http://ehr.example/token",
            "https://name@ehr.example/token",
            "//ehr.example/token",
            "/token",
            "file:///token",
            "",
        ] {
            assert!(!is_same_origin(base, wrong), "{wrong}");
        }
    }
}
