//! The access tokens this gateway gives: JWTs signed with its own keys, for five minutes, for its FHIR server only. Any
//! gateway on the same store can check them.

use std::sync::Arc;

use jiff::Timestamp;
use jsonwebtoken::Validation;
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::delivery::{KeyError, OwnKeys, SigningKey};

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
    pub keys: OwnKeys,
    /// With the key that it was signed with.
    found_ours: Cache<[u8; 32], (Arc<SigningKey>, Arc<AccessToken>)>,
}

impl TokenKey {
    pub fn new(keys: OwnKeys) -> Self {
        // Nothing lost: the signature of what is not remembered is checked again.
        Self { keys, found_ours: Cache::new(MOST_REMEMBERED) }
    }

    pub fn give(&self, base_url: &str, client_id: &str, scope: String, now: Timestamp) -> Result<String, KeyError> {
        let iat = now.as_second();
        self.keys.signing(now).sign(&AccessToken {
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
        let is_for_here = |read: &AccessToken| read.iss == base_url && read.aud == audience(base_url);
        let found = self.found_ours.get(&digest).filter(|(_, read)| is_for_here(read));
        let (key, read) = found.or_else(|| {
            let (key, read) = self.verify(base_url, token, now)?;
            let found = (key, Arc::new(read));
            self.found_ours.insert(digest, found.clone());
            Some(found)
        })?;
        // By our clock and keys, whatever was found before.
        (now.as_second() < read.exp && self.keys.known(key.id(), now).is_some()).then_some(read)
    }

    /// What it says, when we signed it for this server.
    fn verify(&self, base_url: &str, token: &str, now: Timestamp) -> Option<(Arc<SigningKey>, AccessToken)> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        // RFC 7515, 4.1.11; what we sign has none.
        if header.crit.is_some() {
            return None;
        }
        let key = self.keys.known(&header.kid?, now)?;
        let mut validation = Validation::new(key.algorithm());
        // The time is asked each time it is shown.
        validation.validate_exp = false;
        validation.set_issuer(&[base_url]);
        validation.set_audience(&[audience(base_url)]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        let read = jsonwebtoken::decode::<AccessToken>(token, key.verifying(), &validation).ok()?.claims;
        Some((key, read))
    }
}

fn audience(base_url: &str) -> String {
    format!("{base_url}/fhir")
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::delivery::own_keys_for_tests;
    use crate::store::{self, EngineChoice, StoreSettings};

    const BASE: &str = "https://gateway.example";

    #[test]
    fn a_token_that_was_found_ours_still_ends_and_is_for_one_address() {
        let key = TokenKey::new(own_keys_for_tests());
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

    #[tokio::test]
    async fn a_token_goes_on_while_keys_change_and_ends_with_a_key_that_was_lost() {
        let store = store::open(&StoreSettings { engine: EngineChoice::Memory, path: "unused".into() }).unwrap();
        let key = TokenKey::new(OwnKeys::open(&*store).await.unwrap());
        let now: Timestamp = "2026-05-04T11:20:00Z".parse().unwrap();
        key.keys.rotate(&*store, now, false).await.unwrap();
        // The old key signs until the last moment of the day, and its token is good when the new one signs.
        let last = now + SignedDuration::from_hours(24) - SignedDuration::from_secs(1);
        let token = key.give(BASE, "lakeside", "system/Task.rs".to_string(), last).unwrap();
        let after = last + SignedDuration::from_secs(9);
        let next = key.give(BASE, "lakeside", "system/Task.rs".to_string(), after).unwrap();
        let kid = |token: &str| jsonwebtoken::decode_header(token).unwrap().kid;
        assert_ne!(kid(&token), kid(&next));
        assert!(key.check(BASE, &token, after).is_some() && key.check(BASE, &next, after).is_some());
        key.keys.rotate(&*store, after, true).await.unwrap();
        // One that was found ours before, too.
        assert!(key.check(BASE, &token, after).is_none() && key.check(BASE, &next, after).is_none());
    }
}
