//! The stand-in EHR's token endpoint: SMART Backend Services 2.2, the authorisation server's side
//! (http://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const TOKEN_LIFE: Duration = Duration::from_secs(300);
/// More tokens or assertions than a demo ever makes; beyond it the oldest knowledge is dropped.
const MOST_KEPT: usize = 10_000;

/// Issues tokens to one client, whose keys it fetches.
pub(super) struct TokenDesk {
    token_url: String,
    keys_url: String,
    client_id: String,
    seen: Mutex<HashSet<String>>,
    issued: Mutex<HashMap<String, Instant>>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    exp: i64,
    jti: String,
}

impl TokenDesk {
    pub(super) fn new(token_url: String, keys_url: String, client_id: String) -> Self {
        Self { token_url, keys_url, client_id, seen: Mutex::default(), issued: Mutex::default() }
    }

    /// A token for a right assertion, or what is wrong with it.
    pub(super) async fn issue(&self, form: &BTreeMap<String, String>) -> Result<String, String> {
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        if field("grant_type") != "client_credentials" || field("client_assertion_type") != ASSERTION_TYPE {
            return Err("grant_type client_credentials with a JWT bearer assertion is what this server takes".into());
        }
        let claims = self.verify(field("client_assertion")).await?;
        if claims.iss != self.client_id || claims.sub != self.client_id {
            return Err("iss and sub must be the registered client id".into());
        }
        if claims.exp > jiff::Timestamp::now().as_second() + 300 {
            return Err("exp is more than five minutes ahead".into());
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MOST_KEPT {
            seen.clear();
        }
        if !seen.insert(claims.jti) {
            return Err("this jti was used before".into());
        }
        let token: String = (0..8).map(|_| format!("{:08x}", rand::random::<u32>())).collect();
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        issued.retain(|_, until| *until > Instant::now());
        issued.insert(token.clone(), Instant::now() + TOKEN_LIFE);
        Ok(token)
    }

    /// Whether an Authorization header carries a token of this desk that still lives.
    pub(super) fn accepts(&self, authorization: Option<&str>) -> bool {
        let Some(token) = authorization.and_then(|header| header.strip_prefix("Bearer ")) else { return false };
        let issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        issued.get(token).is_some_and(|until| *until > Instant::now())
    }

    async fn verify(&self, assertion: &str) -> Result<Claims, String> {
        let header = jsonwebtoken::decode_header(assertion).map_err(|fault| format!("client_assertion: {fault}"))?;
        if !matches!(header.alg, Algorithm::RS384 | Algorithm::ES384) {
            return Err("the assertion must be signed with RS384 or ES384".into());
        }
        let response = reqwest::get(&self.keys_url).await.map_err(|_| "the client's keys cannot be fetched")?;
        let keys: JwkSet = response.json().await.map_err(|_| "the client's keys are not a JWK set")?;
        let key = header.kid.as_deref().and_then(|kid| keys.find(kid)).ok_or("kid names none of the client's keys")?;
        let key = DecodingKey::from_jwk(key).map_err(|fault| format!("the client's key: {fault}"))?;
        let mut validation = Validation::new(header.alg);
        validation.set_audience(&[&self.token_url]);
        validation.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
        let token = jsonwebtoken::decode::<Claims>(assertion, &key, &validation);
        token.map(|token| token.claims).map_err(|fault| format!("client_assertion: {fault}"))
    }
}
