//! Partners' public keys (RFC 7517): given in the site, or fetched from where the partner publishes them. What is fetched
//! is kept for a while, and fetched again when a key is asked for that is not there, but never often.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::delivery::{Lines, read_bounded};
use crate::site::{JwksSource, Partner, Site};

/// Fetched keys are trusted this long; a key that a partner withdraws is refused after it.
const KEPT: SignedDuration = SignedDuration::from_mins(5);

/// Between two fetches of one set.
const FLOOR: SignedDuration = SignedDuration::from_secs(15);

/// Keys of one set that are looked at.
const KEYS: usize = 50;

/// The sets fetched so far, by address. Addresses come from the site, so there are as many as partners.
pub struct Keyring {
    lines: Lines,
    sets: Mutex<HashMap<String, Arc<Mutex<Fetched>>>>,
}

#[derive(Default)]
struct Fetched {
    keys: Vec<Jwk>,
    read_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
}

impl Keyring {
    pub fn new() -> Self {
        Self { lines: Lines::default(), sets: Mutex::default() }
    }

    /// The partner's keys that may have made a signature: of this id, fit for this algorithm.
    pub async fn find(
        &self,
        site: &Arc<Site>,
        partner: &Partner,
        key_id: &str,
        algorithm: Algorithm,
        now: Timestamp,
    ) -> Vec<DecodingKey> {
        let fitting = |keys: &[Jwk]| -> Vec<DecodingKey> {
            keys.iter()
                .filter(|key| key.common.key_id.as_deref() == Some(key_id) && fits(key, algorithm))
                .filter_map(|key| DecodingKey::from_jwk(key).ok())
                .collect()
        };
        match &partner.jwks {
            None => Vec::new(),
            Some(JwksSource::Inline(set)) => fitting(&read_set(set)),
            Some(JwksSource::Url(url)) => {
                let set = self.sets.lock().await.entry(url.clone()).or_default().clone();
                // One fetch at a time: who waits finds what it brought.
                let mut set = set.lock().await;
                let fresh = set.read_at.is_some_and(|at| now.duration_since(at) < KEPT);
                let found = fitting(&set.keys);
                if fresh && !found.is_empty() {
                    return found;
                }
                if set.tried_at.is_none_or(|at| now.duration_since(at) >= FLOOR) {
                    set.tried_at = Some(now);
                    if let Some(keys) = self.fetch(site, partner, url).await {
                        set.keys = keys;
                        set.read_at = Some(now);
                    }
                }
                // A partner whose keys cannot be had just now is known by those it had, for a while.
                let usable = set.read_at.is_some_and(|at| now.duration_since(at) < KEPT);
                if usable { fitting(&set.keys) } else { Vec::new() }
            }
        }
    }

    async fn fetch(&self, site: &Arc<Site>, partner: &Partner, url: &str) -> Option<Vec<Jwk>> {
        let fault = |text: String| tracing::warn!(partner = partner.name, "its keys could not be fetched: {text}");
        let line = self.lines.to(site, partner).map_err(fault).ok()?;
        let sent = line.http.get(url).header("accept", "application/json").send().await;
        let mut response = sent.map_err(|error| fault(error.without_url().to_string())).ok()?;
        if !response.status().is_success() {
            fault(format!("answered {}", response.status().as_u16()));
            return None;
        }
        let body = read_bounded(&mut response).await;
        let set: Value = serde_json::from_slice(&body).map_err(|_| fault("not JSON".to_string())).ok()?;
        Some(read_set(&set))
    }
}

/// Keys that cannot be read do not spoil the others.
fn read_set(set: &Value) -> Vec<Jwk> {
    let keys = set.get("keys").and_then(Value::as_array);
    keys.into_iter().flatten().take(KEYS).filter_map(|key| serde_json::from_value(key.clone()).ok()).collect()
}

/// The kind of the key decides, not what the token says of itself.
fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    let stated = key.common.key_algorithm.is_none_or(|stated| stated.to_string() == format!("{algorithm:?}"));
    let kind = match (&key.algorithm, algorithm) {
        (AlgorithmParameters::RSA(_), Algorithm::RS384) => true,
        (AlgorithmParameters::EllipticCurve(curve), Algorithm::ES384) => curve.curve == EllipticCurve::P384,
        _ => false,
    };
    kind && stated
}
