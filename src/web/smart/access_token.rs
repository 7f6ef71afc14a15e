//! The access tokens this gateway gives: JWTs signed with its own key, for five minutes, for its FHIR server only. Any
//! gateway on the same store can check them.

use std::sync::Arc;

use jiff::Timestamp;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{DecodingKey, Validation};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

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

/// Tokens that were found to be ours are remembered by their hash, at some 300 bytes each: a client shows one for five minutes, and
/// checking its signature costs more than answering most requests.
const MOST_REMEMBERED: usize = 4096;

/// Gives and checks tokens.
pub struct TokenKey {
    pub signing: SigningKey,
    verifying: DecodingKey,
    found_ours: Cache<[u8; 32], Arc<AccessToken>>,
}

impl TokenKey {
    pub fn new(signing: SigningKey) -> Result<Self, KeyError> {
        let unreadable = |text: String| KeyError::Unreadable(text);
        let jwk: Jwk =
            serde_json::from_value(signing.public_jwk().clone()).map_err(|error| unreadable(error.to_string()))?;
        let verifying = DecodingKey::from_jwk(&jwk).map_err(|error| unreadable(error.to_string()))?;
        // Nothing lost: the signature of what is not remembered is checked again.
        Ok(Self { signing, verifying, found_ours: Cache::new(MOST_REMEMBERED) })
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
    pub fn check(&self, base_url: &str, token: &str, now: Timestamp) -> Option<Arc<AccessToken>> {
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let is_for_here = |read: &Arc<AccessToken>| read.iss == base_url && read.aud == audience(base_url);
        let read = self.found_ours.get(&digest).filter(is_for_here).or_else(|| {
            let read = Arc::new(self.verify(base_url, token)?);
            self.found_ours.insert(digest, Arc::clone(&read));
            Some(read)
        })?;
        // By our clock, whatever was found before.
        (now.as_second() < read.exp).then_some(read)
    }

    /// What it says, when we signed it for this server.
    fn verify(&self, base_url: &str, token: &str) -> Option<AccessToken> {
        // RFC 7515, 4.1.11; what we sign has none.
        if jsonwebtoken::decode_header(token).ok()?.crit.is_some() {
            return None;
        }
        let mut validation = Validation::new(self.signing.algorithm());
        // The time is asked each time it is shown.
        validation.validate_exp = false;
        validation.set_issuer(&[base_url]);
        validation.set_audience(&[audience(base_url)]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        Some(jsonwebtoken::decode::<AccessToken>(token, &self.verifying, &validation).ok()?.claims)
    }
}

fn audience(base_url: &str) -> String {
    format!("{base_url}/fhir")
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::delivery::key_for_tests;

    const BASE: &str = "https://gateway.example";

    #[test]
    fn a_token_that_was_found_ours_still_ends_and_is_for_one_address() {
        let key = TokenKey::new(key_for_tests()).unwrap();
        let now: Timestamp = "2026-05-04T11:20:00Z".parse().unwrap();
        let token = key.give(BASE, "lakeside", "system/Task.rs".to_string(), now).unwrap();
        for _ in 0..2 {
            assert_eq!(key.check(BASE, &token, now).unwrap().sub, "lakeside");
            assert!(key.check("https://other.example", &token, now).is_none());
        }
        let last = now + SignedDuration::from_secs(LIFE_SECS - 1);
        assert!(key.check(BASE, &token, last).is_some());
        assert!(key.check(BASE, &token, last + SignedDuration::from_secs(1)).is_none());
        let (content, signature) = token.rsplit_once('.').unwrap();
        let other = if signature.starts_with('A') { 'B' } else { 'A' };
        assert!(key.check(BASE, &format!("{content}.{other}{}", &signature[1..]), now).is_none(), "{signature}");
    }
}
