//! A code becomes an ID token (OpenID Connect Core 1.0, 3.1.3), and what the token does not say the provider is asked for (5.3). What
//! a provider writes freely goes nowhere.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use reqwest::{Client, RequestBuilder, Url};
use serde::Deserialize;
use serde_json::Value;

use super::id_token::{Claims, text};
use super::provider::{Provider, Said};
use super::trouble::Trouble;
use crate::delivery::{ASSERTION_TYPE, assertion, describe_failure, oauth_code, read_within};
use crate::site::{ClientProof, OpenIdLogin};

/// An answer that is longer is none.
const MOST_BYTES: usize = 256 << 10;

/// What a code was given for.
#[derive(Deserialize)]
pub(super) struct Tokens {
    pub id_token: String,
    access_token: Option<String>,
}

/// What redeeming a code takes.
pub(super) struct Exchange<'a> {
    pub http: &'a Client,
    pub said: &'a Said,
    pub login: &'a OpenIdLogin,
    pub provider: &'a Provider,
    pub now: Timestamp,
}

impl Exchange<'_> {
    pub(super) async fn redeem(&self, code: &str, verifier: &str, way_back: &str) -> Result<Tokens, Trouble> {
        let endpoint = &self.said.token;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", way_back),
            ("code_verifier", verifier),
        ];
        let mut request = self.http.post(endpoint.clone()).header("accept", "application/json");
        let signed;
        match &self.login.proof {
            ClientProof::Secret(secret) if self.said.secret_in_form => {
                form.extend([("client_id", self.login.client_id.as_str()), ("client_secret", secret)]);
            }
            ClientProof::Secret(secret) => request = with_secret(request, &self.login.client_id, secret),
            ClientProof::OwnKey => {
                let keys = self.provider.own_keys().ok_or_else(|| Trouble::absent("there is no key of our own"))?;
                let made = assertion(&self.login.client_id, endpoint.as_str(), &keys.signing(self.now), self.now);
                signed = made.map_err(|error| Trouble::absent(error.to_string()))?;
                form.extend([("client_assertion_type", ASSERTION_TYPE), ("client_assertion", &signed)]);
                form.push(("client_id", &self.login.client_id));
            }
        }
        let (status, body) = self.send(request.form(&form)).await?;
        match status {
            200 => serde_json::from_slice(&body).map_err(|_| {
                Trouble::untrusted("the token endpoint's answer has no id_token, or is longer than it may be")
            }),
            400 if oauth_code(&body).starts_with(" invalid_grant") => {
                Err(Trouble::untrusted("the provider does not take the code (invalid_grant)"))
            }
            400 | 401 if !oauth_code(&body).is_empty() => {
                Err(Trouble::misfit(format!("the token endpoint answered {status}{}", oauth_code(&body))))
            }
            _ => Err(Trouble::absent(format!("the token endpoint answered {status}{}", oauth_code(&body)))),
        }
    }

    /// Adds what the provider says beside the ID token, if it is about the same person (5.3.2).
    pub(super) async fn ask_more(&self, tokens: &Tokens, claims: &mut Claims) -> Result<(), Trouble> {
        let (Some(address), Some(access)) = (&self.said.userinfo, &tokens.access_token) else { return Ok(()) };
        let request = self.http.get::<Url>(address.clone()).header("accept", "application/json").bearer_auth(access);
        let (status, body) = self.send(request).await?;
        if status != 200 {
            return Err(Trouble::absent(format!("its userinfo endpoint answered {status}")));
        }
        let more: Option<Claims> = serde_json::from_slice(&body).ok();
        let more = more.ok_or_else(|| Trouble::absent("what its userinfo endpoint answered is no JSON object"))?;
        if text(&more, "sub").is_none_or(|sub| Some(sub) != text(claims, "sub")) {
            return Err(Trouble::untrusted("the userinfo endpoint speaks of somebody else"));
        }
        // E-mail and whether it is verified belong together: what one of the two answers says of it.
        let own_mail = claims.contains_key("email");
        for (name, value) in more {
            let is_split = own_mail && name == "email_verified";
            if !is_split && !claims.contains_key(&name) && value != Value::Null {
                claims.insert(name, value);
            }
        }
        Ok(())
    }

    async fn send(&self, request: RequestBuilder) -> Result<(u16, Vec<u8>), Trouble> {
        let timeout = Duration::from_secs(self.login.timeout_secs);
        let sent = request.send().await.map_err(|error| Trouble::absent(describe_failure(&error, timeout)))?;
        let mut response = sent;
        let status = response.status().as_u16();
        Ok((status, read_within(&mut response, MOST_BYTES).await))
    }
}

/// RFC 6749, 2.3.1: both are form-encoded first.
fn with_secret(request: RequestBuilder, id: &str, secret: &str) -> RequestBuilder {
    let encoded = |text: &str| {
        let mut url = Url::parse("a:").ok()?;
        url.query_pairs_mut().append_key_only(text);
        url.query().map(String::from)
    };
    let pair = format!("{}:{}", encoded(id).unwrap_or_default(), encoded(secret).unwrap_or_default());
    request.header("authorization", format!("Basic {}", STANDARD.encode(pair)))
}
