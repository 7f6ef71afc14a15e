//! A login on its way: what the browser takes along in a sealed cookie, and the address at the provider that it goes to (RFC 6749, 4.1.1;
//! PKCE with S256, RFC 7636). Nothing of it is kept here, so no number of them fills memory.

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::provider::Said;
use crate::console::Console;
use crate::console::session::secret;
use crate::site::{OpenIdLogin, Settings};

/// The cookie's name. Lax, since the provider sends the browser back.
pub(super) const COOKIE: &str = "handover-login";
const PATH: &str = "/console/login/openid";
const ABOUT: &str = "a login at the organisation's provider";
/// Somebody who needs longer begins again.
pub(super) const LIFE_SECS: i64 = 15 * 60;
/// A cookie is at most 4 KiB; a longer address is not gone on to.
const LONGEST_ADDRESS: usize = 1024;

/// What a browser set out with.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Begun {
    pub issuer: String,
    pub state: String,
    pub nonce: String,
    pub verifier: String,
    /// Where to go on.
    pub to: String,
}

impl Begun {
    pub(super) fn new(login: &OpenIdLogin, to: &str) -> Self {
        let to = if to.len() <= LONGEST_ADDRESS { to.to_string() } else { String::new() };
        // RFC 7636, 4.1 wants 43 characters at least.
        let verifier = secret() + &secret();
        Self { issuer: login.issuer.clone(), state: secret(), nonce: secret(), verifier, to }
    }

    /// The cookie that binds it to the browser.
    pub(super) fn cookie(&self, console: &Console, now: Timestamp) -> Option<Cookie<'static>> {
        let sealed = console.seal.as_ref()?.seal(&serde_json::to_vec(self).ok()?, ABOUT, now)?;
        Some(cookie(console, sealed, Duration::seconds(LIFE_SECS)))
    }

    /// What this browser set out with, if it did so lately.
    pub(super) fn read(console: &Console, cookie: &str, now: Timestamp) -> Option<Self> {
        let (made, content) = console.seal.as_ref()?.unseal(cookie, ABOUT)?;
        let age = now.as_second() - made;
        (0..LIFE_SECS).contains(&age).then(|| serde_json::from_slice(&content).ok()).flatten()
    }

    /// Where the browser goes.
    pub(super) fn address(&self, login: &OpenIdLogin, said: &Said, settings: &Settings) -> Url {
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, self.verifier.as_bytes()));
        let scopes = ["openid"].into_iter().chain(login.scopes.iter().map(String::as_str).filter(|it| *it != "openid"));
        let scope = scopes.collect::<Vec<_>>().join(" ");
        let mut url = said.authorization.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &login.client_id)
            .append_pair("redirect_uri", &way_back(settings))
            .append_pair("scope", &scope)
            .append_pair("state", &self.state)
            .append_pair("nonce", &self.nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        if let Some(minutes) = login.max_age_minutes {
            url.query_pairs_mut().append_pair("max_age", &(i64::from(minutes) * 60).to_string());
        }
        if !login.acr.is_empty() {
            url.query_pairs_mut().append_pair("acr_values", &login.acr.join(" "));
        }
        url
    }
}

/// The address that is registered at the provider.
pub(super) fn way_back(settings: &Settings) -> String {
    format!("{}{PATH}/back", settings.base_url)
}

/// Takes the cookie away again.
pub(super) fn no_cookie(console: &Console) -> Cookie<'static> {
    cookie(console, String::new(), Duration::ZERO)
}

fn cookie(console: &Console, value: String, life: Duration) -> Cookie<'static> {
    let built = Cookie::build(COOKIE, value).path(PATH).http_only(true).same_site(SameSite::Lax);
    built.secure(console.is_secure()).max_age(life).finish()
}
