//! Private keys that sign JWTs: ES384 and RS384 as SMART App Launch 2.2 names them
//! (https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html). A private key never leaves this file.

use std::fmt;

use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::store::StoreError;

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the file is not a PEM with one private key (PKCS#8): {0}")]
    Unreadable(String),
    #[error("the key must be RSA (RS384) or EC on curve P-384 (ES384)")]
    Kind,
    #[error("signing failed: {0}")]
    Signing(#[source] jsonwebtoken::errors::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A private key with its public half and its id.
#[derive(Clone)]
pub struct SigningKey {
    key: EncodingKey,
    verifying: DecodingKey,
    algorithm: Algorithm,
    id: String,
    public: Value,
    /// A hash of the private half, from which keys for other purposes are made.
    secret: [u8; 32],
}

/// Shows which key it is and nothing of it.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// Reads a PEM. Without an id given, the key's RFC 7638 thumbprint (SHA-256) is its id.
    pub fn from_pem(pem: &str, id: Option<&str>) -> Result<Self, KeyError> {
        let pair = KeyPair::from_pem(pem).map_err(|error| KeyError::Unreadable(error.to_string()))?;
        let der = pair.serialized_der();
        let (key, algorithm) = if pair.is_compatible(&PKCS_ECDSA_P384_SHA384) {
            (EncodingKey::from_ec_der(der), Algorithm::ES384)
        } else if pair.is_compatible(&PKCS_RSA_SHA256) {
            (EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(KeyError::Signing)?, Algorithm::RS384)
        } else {
            return Err(KeyError::Kind);
        };
        let jwk = Jwk::from_encoding_key(&key, algorithm).map_err(KeyError::Signing)?;
        let verifying = DecodingKey::from_jwk(&jwk).map_err(KeyError::Signing)?;
        let id = match id {
            Some(id) => id.to_string(),
            None => jwk.thumbprint(ThumbprintHash::SHA256).map_err(KeyError::Signing)?,
        };
        let mut public = serde_json::to_value(&jwk).unwrap_or_default();
        if let Value::Object(map) = &mut public {
            map.insert("kid".to_string(), json!(id));
            map.insert("use".to_string(), json!("sig"));
            map.insert("key_ops".to_string(), json!(["verify"]));
        }
        let secret =
            Sha256::new().chain_update("handover: keys for other purposes").chain_update(der).finalize().into();
        Ok(Self { key, verifying, algorithm, id, public, secret })
    }

    /// A key of its own for a purpose, the same wherever this key is known; neither tells of the other.
    pub fn derived(&self, purpose: &str) -> [u8; 32] {
        Sha256::new().chain_update(self.secret).chain_update(purpose).finalize().into()
    }

    /// The public half as a JWK (RFC 7517) with `kid`, `alg` and `use`.
    pub fn public_jwk(&self) -> &Value {
        &self.public
    }

    /// What this key signed can be checked with.
    pub fn verifying(&self) -> &DecodingKey {
        &self.verifying
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// A compact JWS over the claims, with `kid` in its header.
    pub fn sign<Claims: Serialize>(&self, claims: &Claims) -> Result<String, KeyError> {
        self.sign_with(Header::new(self.algorithm), claims)
    }

    /// The same with what else the header says.
    pub(crate) fn sign_with<Claims: Serialize>(&self, mut header: Header, claims: &Claims) -> Result<String, KeyError> {
        header.kid = Some(self.id.clone());
        jsonwebtoken::encode(&header, claims, &self.key).map_err(KeyError::Signing)
    }
}

/// A new private key on P-384, as PKCS#8 PEM.
pub(super) fn generate() -> Result<String, KeyError> {
    let pair =
        KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).map_err(|error| KeyError::Unreadable(error.to_string()))?;
    Ok(pair.serialize_pem())
}

/// A key of its own for each test.
#[cfg(test)]
pub fn own_key_for_tests() -> SigningKey {
    SigningKey::from_pem(&generate().unwrap(), None).unwrap()
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::Validation;

    use super::*;

    #[test]
    fn what_a_made_key_signs_its_public_half_verifies() {
        let key = SigningKey::from_pem(&generate().unwrap(), None).unwrap();
        assert_eq!(key.algorithm(), Algorithm::ES384);
        let token = key.sign(&json!({ "iss": "me", "exp": 4_000_000_000_u64 })).unwrap();
        let jwk: Jwk = serde_json::from_value(key.public_jwk().clone()).unwrap();
        let public = DecodingKey::from_jwk(&jwk).unwrap();
        let read = jsonwebtoken::decode::<Value>(&token, &public, &Validation::new(Algorithm::ES384));
        assert_eq!(read.unwrap().claims["iss"], "me");
        assert_eq!(jsonwebtoken::decode_header(&token).unwrap().kid.as_deref(), Some(key.id()));
        assert!(key.public_jwk().get("d").is_none());
    }

    #[test]
    fn a_key_of_another_kind_is_refused() {
        let p256 = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        assert!(matches!(SigningKey::from_pem(&p256.serialize_pem(), None), Err(KeyError::Kind)));
        assert!(matches!(SigningKey::from_pem("no key", None), Err(KeyError::Unreadable(_))));
    }

    #[test]
    fn an_rsa_key_signs_rs384_and_shows_nothing_of_itself() {
        let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
        let key = SigningKey::from_pem(&pair.serialize_pem(), Some("mine")).unwrap();
        assert_eq!(key.algorithm(), Algorithm::RS384);
        assert_eq!(key.id(), "mine");
        assert!(key.sign(&json!({})).is_ok());
        assert!(!format!("{key:?}").contains(&pair.serialize_pem()));
    }
}
