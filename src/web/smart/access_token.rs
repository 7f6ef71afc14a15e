//! The access tokens this gateway gives: JWTs signed with its own key, for five minutes, for its FHIR server only. Any
//! gateway on the same store can check them.

use jiff::Timestamp;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{DecodingKey, Validation};
use serde::{Deserialize, Serialize};

use crate::delivery::{KeyError, SigningKey};

/// SMART Backend Services: "SHOULD be no more than five minutes".
pub const LIFE_SECS: i64 = 300;

/// What a token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccessToken {
    pub iss: String,
    pub aud: String,
    /// The client's id.
    pub sub: String,
    pub scope: String,
    pub iat: i64,
    pub exp: i64,
    pub jti: String,
}

/// Gives and checks tokens.
pub struct TokenKey {
    pub signing: SigningKey,
    verifying: DecodingKey,
}

impl TokenKey {
    pub fn new(signing: SigningKey) -> Result<Self, KeyError> {
        let unreadable = |text: String| KeyError::Unreadable(text);
        let jwk: Jwk =
            serde_json::from_value(signing.public_jwk().clone()).map_err(|error| unreadable(error.to_string()))?;
        let verifying = DecodingKey::from_jwk(&jwk).map_err(|error| unreadable(error.to_string()))?;
        Ok(Self { signing, verifying })
    }

    pub fn give(&self, base_url: &str, client_id: &str, scope: String, now: Timestamp) -> Result<String, KeyError> {
        let iat = now.as_second();
        self.signing.sign(&AccessToken {
            iss: base_url.to_string(),
            aud: audience(base_url),
            sub: client_id.to_string(),
            scope,
            iat,
            exp: iat + LIFE_SECS,
            jti: format!("{:032x}", rand::random::<u128>()),
        })
    }

    /// The token's content, when we gave it for this server and it has not expired.
    pub fn check(&self, base_url: &str, token: &str, now: Timestamp) -> Option<AccessToken> {
        // RFC 7515, 4.1.11; what we sign has none.
        if jsonwebtoken::decode_header(token).ok()?.crit.is_some() {
            return None;
        }
        let mut validation = Validation::new(self.signing.algorithm());
        // The time is checked by our clock.
        validation.validate_exp = false;
        validation.set_issuer(&[base_url]);
        validation.set_audience(&[audience(base_url)]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        let read = jsonwebtoken::decode::<AccessToken>(token, &self.verifying, &validation).ok()?.claims;
        (now.as_second() < read.exp).then_some(read)
    }
}

fn audience(base_url: &str) -> String {
    format!("{base_url}/fhir")
}
