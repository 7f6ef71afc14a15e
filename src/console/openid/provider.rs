//! What the provider says of itself (OpenID Connect Discovery 1.0) and the keys it signs with (RFC 7517): asked for when somebody logs in,
//! kept for a while, and asked for again when a key is named that is not there, but never often. A provider that is dead costs one
//! wait, and whoever comes meanwhile is told at once.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Header};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Url};
use serde_json::Value;
use tokio::sync::Mutex;

use super::id_token::{Claims, header as header_of, signed};
use super::trouble::Trouble;
use crate::delivery::{OwnKeys, describe_failure, read_within};
use crate::site::{ClientProof, OpenIdLogin, Site};

/// What it says of itself and its keys are believed so long.
const SAID_KEPT: SignedDuration = SignedDuration::from_hours(1);
const KEYS_KEPT: SignedDuration = SignedDuration::from_mins(10);
/// Between two requests for the same, when the first brought nothing or not the key that was named.
const FLOOR: SignedDuration = SignedDuration::from_secs(15);
/// An answer that is longer is none.
const MOST_BYTES: usize = 256 << 10;

/// The endpoints of a provider.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub authorization: Url,
    pub token: Url,
    pub userinfo: Option<Url>,
    pub end_session: Option<Url>,
    keys: Url,
    /// RFC 9207: whether it always says in its answer who it is.
    pub names_itself: bool,
    /// Whether the client's secret goes into the form, because it takes no other way.
    pub secret_in_form: bool,
}

/// One provider, of the site in force.
#[derive(Default)]
pub struct Provider {
    kept: Mutex<Kept>,
    /// The gateway's own, for `private_key_jwt`.
    own_keys: Option<OwnKeys>,
}

#[derive(Default)]
struct Kept {
    site: Option<Arc<Site>>,
    http: Option<Client>,
    said: Option<(Arc<Said>, Timestamp)>,
    said_failed: Option<(String, Timestamp)>,
    keys: Vec<Jwk>,
    keys_at: Option<Timestamp>,
    keys_tried: Option<Timestamp>,
}

impl Provider {
    pub(in crate::console) fn with_keys(own_keys: OwnKeys) -> Self {
        Self { kept: Mutex::default(), own_keys: Some(own_keys) }
    }

    pub(super) fn own_keys(&self) -> Option<&OwnKeys> {
        self.own_keys.as_ref()
    }

    /// The way to it, and what it says of itself.
    pub(super) async fn said(
        &self,
        site: &Arc<Site>,
        login: &OpenIdLogin,
        now: Timestamp,
    ) -> Result<(Client, Arc<Said>), Trouble> {
        // One request at a time: who waits finds what it brought.
        let mut kept = self.kept.lock().await;
        let http = kept.of(site, login)?;
        if let Some((said, at)) = &kept.said
            && now.duration_since(*at) < SAID_KEPT
        {
            return Ok((http, said.clone()));
        }
        if let Some((fault, at)) = &kept.said_failed
            && now.duration_since(*at) < FLOOR
        {
            return Err(Trouble::absent(fault.clone()));
        }
        let own = self.own_keys.as_ref().filter(|_| login.proof == ClientProof::OwnKey);
        let signature = own.map(|keys| format!("{:?}", keys.signing(now).algorithm()));
        match discover(&http, login, signature.as_deref()).await {
            Ok(said) => {
                let said = Arc::new(said);
                kept.said = Some((said.clone(), now));
                Ok((http, said))
            }
            Err(fault) => {
                tracing::warn!(issuer = login.issuer, "the organisation's login cannot be used: {fault}");
                kept.said_failed = Some((fault.clone(), now));
                Err(Trouble::absent(fault))
            }
        }
    }

    /// The keys that may have made a signature with this header.
    pub(super) async fn keys(
        &self,
        site: &Arc<Site>,
        login: &OpenIdLogin,
        header: &Header,
        now: Timestamp,
    ) -> Result<Vec<DecodingKey>, Trouble> {
        let (http, said) = self.said(site, login, now).await?;
        let mut kept = self.kept.lock().await;
        let is_fresh = |at: Option<Timestamp>| at.is_some_and(|at| now.duration_since(at) < KEYS_KEPT);
        let found = fitting(&kept.keys, header);
        if is_fresh(kept.keys_at) && !found.is_empty() {
            return Ok(found);
        }
        if kept.keys_tried.is_none_or(|at| now.duration_since(at) >= FLOOR) {
            kept.keys_tried = Some(now);
            let set = fetch(&http, said.keys.clone(), login).await.map_err(Trouble::absent)?;
            // Nothing lost: keys of kinds that we do not know do not spoil the others.
            let keys = set.get("keys").and_then(Value::as_array).into_iter().flatten();
            kept.keys = keys.filter_map(|key| serde_json::from_value(key.clone()).ok()).collect();
            kept.keys_at = Some(now);
        }
        if !is_fresh(kept.keys_at) {
            return Err(Trouble::absent("its keys cannot be had"));
        }
        match fitting(&kept.keys, header) {
            found if found.is_empty() => Err(Trouble::untrusted("the provider has no key that this is signed with")),
            found => Ok(found),
        }
    }
}

/// The claims of a token that one of the provider's keys signed.
pub(super) async fn verified(
    provider: &Provider,
    site: &Arc<Site>,
    login: &OpenIdLogin,
    token: &str,
    now: Timestamp,
) -> Result<Claims, Trouble> {
    let header = header_of(token, login)?;
    let keys = provider.keys(site, login, &header, now).await?;
    signed(token, &header, &keys)
}

impl Kept {
    /// For this site, all else forgotten.
    fn of(&mut self, site: &Arc<Site>, login: &OpenIdLogin) -> Result<Client, Trouble> {
        if !self.site.as_ref().is_some_and(|known| Arc::ptr_eq(known, site)) {
            *self = Self { site: Some(site.clone()), ..Self::default() };
        }
        match &self.http {
            Some(http) => Ok(http.clone()),
            None => Ok(self.http.insert(client(site, login).map_err(Trouble::absent)?).clone()),
        }
    }
}

/// Follows no redirects: what we say to the provider is said to nobody else.
fn client(site: &Site, login: &OpenIdLogin) -> Result<Client, String> {
    let mut authorities = Vec::new();
    if let Some(path) = &login.server_ca {
        let unusable = || format!("{} does not hold certificates in PEM", path.display());
        let pem = fs::read(site.folder.join(path)).map_err(|_| unusable())?;
        authorities = Certificate::from_pem_bundle(&pem).map_err(|_| unusable())?;
    }
    let timeout = Duration::from_secs(login.timeout_secs);
    let start = || {
        let client = Client::builder().redirect(Policy::none()).retry(reqwest::retry::never()).timeout(timeout);
        client.connect_timeout(timeout).user_agent(concat!("handover/", env!("CARGO_PKG_VERSION")))
    };
    // A machine without any public certificates can still reach a provider whose own are given.
    let built = start().tls_certs_merge(authorities.clone()).build();
    let built = built.or_else(|_| start().tls_certs_only(authorities).build());
    built.map_err(|error| format!("no TLS client can be built: {error}"))
}

/// JSON from an address of the provider.
async fn fetch(http: &Client, address: Url, login: &OpenIdLogin) -> Result<Value, String> {
    let path = address.path().to_string();
    let sent = http.get(address).header("accept", "application/json").send().await;
    let mut response = sent.map_err(|error| describe_failure(&error, Duration::from_secs(login.timeout_secs)))?;
    if !response.status().is_success() {
        return Err(format!("{path} answered {}", response.status().as_u16()));
    }
    let body = read_within(&mut response, MOST_BYTES).await;
    serde_json::from_slice(&body)
        .map_err(|_| format!("what {path} answered is not JSON, or longer than {MOST_BYTES} bytes"))
}

async fn discover(http: &Client, login: &OpenIdLogin, signature: Option<&str>) -> Result<Said, String> {
    let address = format!("{}/.well-known/openid-configuration", login.issuer.trim_end_matches('/'));
    let address = Url::parse(&address).map_err(|_| "the issuer is no address".to_string())?;
    read(&fetch(http, address, login).await?, login, signature)
}

/// What its configuration says, where it and this site can do with each other. `signature` is what proves who we are, where a key does.
fn read(said: &Value, login: &OpenIdLogin, signature: Option<&str>) -> Result<Said, String> {
    // 4.3: otherwise whoever answers there could speak for somebody else.
    if said.get("issuer").and_then(Value::as_str) != Some(&login.issuer) {
        return Err(
            "its configuration names another issuer than the site does; the two must be the same to the letter".into(),
        );
    }
    let lists = |key: &str| said.get(key).and_then(Value::as_array);
    let names = |key: &str, word: &str| lists(key).is_none_or(|all| all.iter().any(|one| one.as_str() == Some(word)));
    if !names("response_types_supported", "code") {
        return Err("it offers no authorization code flow".into());
    }
    if let Some(all) = lists("id_token_signing_alg_values_supported")
        && !all.iter().filter_map(Value::as_str).any(|name| login.algorithms.iter().any(|known| known == name))
    {
        return Err("it signs with none of the algorithms that the site allows".into());
    }
    if let Some(ours) = signature
        && !names("token_endpoint_auth_signing_alg_values_supported", ours)
    {
        return Err(format!(
            "it takes no {ours} signature, which is what `private_key_jwt` makes; give `client_secret`"
        ));
    }
    let endpoint = |key: &str| endpoint(said, key, login);
    let required = |key: &str| endpoint(key)?.ok_or_else(|| format!("its configuration has no {key}"));
    let ways = "token_endpoint_auth_methods_supported";
    Ok(Said {
        authorization: required("authorization_endpoint")?,
        token: required("token_endpoint")?,
        keys: required("jwks_uri")?,
        userinfo: endpoint("userinfo_endpoint")?,
        end_session: endpoint("end_session_endpoint")?,
        names_itself: said.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true)),
        secret_in_form: lists(ways).is_some() && !names(ways, "client_secret_basic"),
    })
}

/// An address that it names: over TLS, as the issuer is, and without anybody's name in it.
fn endpoint(said: &Value, key: &str, login: &OpenIdLogin) -> Result<Option<Url>, String> {
    let Some(written) = said.get(key).and_then(Value::as_str) else { return Ok(None) };
    let unusable = || format!("its {key} is no address that can be used");
    let url = Url::parse(written).map_err(|_| unusable())?;
    let scheme = if login.issuer.starts_with("https:") { &["https"][..] } else { &["https", "http"] };
    let fits =
        scheme.contains(&url.scheme()) && url.has_host() && url.username().is_empty() && url.password().is_none();
    if fits { Ok(Some(url)) } else { Err(unusable()) }
}

/// Core 10.1: by its id; without one only where there is one key that fits.
fn fitting(keys: &[Jwk], header: &Header) -> Vec<DecodingKey> {
    let mut fit: Vec<&Jwk> = keys.iter().filter(|key| fits(key, header.alg)).collect();
    match &header.kid {
        Some(id) => fit.retain(|key| key.common.key_id.as_ref() == Some(id)),
        None if fit.len() > 1 => return Vec::new(),
        None => {}
    }
    fit.into_iter().filter_map(|key| DecodingKey::from_jwk(key).ok()).collect()
}

/// The kind of the key decides, not what the token says of itself.
fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    let signs = key.common.public_key_use.as_ref().is_none_or(|it| *it == PublicKeyUse::Signature);
    let stated = key.common.key_algorithm.is_none_or(|stated| stated.to_string() == format!("{algorithm:?}"));
    let kind = match (&key.algorithm, algorithm) {
        (AlgorithmParameters::RSA(_), algorithm) => {
            use Algorithm::{PS256, PS384, PS512, RS256, RS384, RS512};
            matches!(algorithm, RS256 | RS384 | RS512 | PS256 | PS384 | PS512)
        }
        (AlgorithmParameters::EllipticCurve(curve), Algorithm::ES256) => curve.curve == EllipticCurve::P256,
        (AlgorithmParameters::EllipticCurve(curve), Algorithm::ES384) => curve.curve == EllipticCurve::P384,
        (AlgorithmParameters::OctetKeyPair(curve), Algorithm::EdDSA) => curve.curve == EllipticCurve::Ed25519,
        _ => false,
    };
    signs && stated && kind
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::console::openid::attacks_tests::login;

    #[test]
    fn a_provider_that_cannot_do_with_this_site_is_told_apart() {
        let issuer = "https://login.example";
        let fits = json!({ "issuer": issuer, "authorization_endpoint": "https://login.example/ask", "jwks_uri": "https://login.example/keys",
            "token_endpoint": "https://login.example/token", "response_types_supported": ["code", "none"],
            "id_token_signing_alg_values_supported": ["HS256", "RS256"],
            "token_endpoint_auth_signing_alg_values_supported": ["RS256", "ES384"] });
        assert!(read(&fits, &login(issuer), Some("ES384")).is_ok());
        let misfits = [
            ("issuer", json!("https://login.example/"), "another issuer"),
            ("response_types_supported", json!(["id_token"]), "no authorization code flow"),
            ("id_token_signing_alg_values_supported", json!(["HS256"]), "none of the algorithms"),
            ("token_endpoint_auth_signing_alg_values_supported", json!(["RS256", "PS256"]), "no ES384 signature"),
            ("token_endpoint", json!("http://login.example/token"), "token_endpoint is no address"),
            ("jwks_uri", Value::Null, "has no jwks_uri"),
        ];
        for (key, value, says) in misfits {
            let mut said = fits.clone();
            said[key] = value;
            let fault = read(&said, &login(issuer), Some("ES384")).unwrap_err();
            assert!(fault.contains(says), "{key}: {fault}");
        }
    }
}
