//! What all requests share.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::http::StatusCode;
use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::answer::Fault;
use super::conditions::Conditions;
use super::kept::Kept;
use super::pace::Pace;
use super::sealed::Seal;
use super::smart::{Keyring, TokenKey};
use super::standing::Standing;
use super::turns::Turns;
use crate::delivery::{KeyError, OwnKeys};
use crate::pipeline::Gateway;
use crate::problem::Category;
use crate::site::Partner;

/// Resources that are checked at the same time for those who ask.
const VALIDATIONS: usize = 2;

/// Questions about codes that are answered at the same time.
const TERMINOLOGY: usize = 4;

/// State shared by all workers of the HTTP server.
pub struct Service {
    pub(super) gateway: Arc<Gateway>,
    pub(super) token_key: TokenKey,
    pub(super) keyring: Keyring,
    /// Seals the links between pages.
    pub(super) seal: Seal,
    pub(super) addresses: Pace<IpAddr>,
    /// Messages that their feed refused for want of a credential.
    pub(super) strangers: Pace<IpAddr>,
    pub(super) partners: Pace<String>,
    /// Turns at checking resources.
    pub(super) validations: Semaphore,
    /// Turns at asking about codes.
    pub(super) terminology: Semaphore,
    /// What anybody is told of the interface.
    pub(super) kept: Kept,
    /// Turns at searches that may read all of a type.
    pub(super) turns: Turns,
    pub(super) standing: Standing,
    /// One writer at a time under one condition.
    pub(super) conditions: Conditions,
    /// One writer at a time of one closure table, which may wait long for its turn: no other writer waits for it.
    pub(super) closures: Conditions,
    pub(super) started: Timestamp,
}

impl Service {
    /// `own_keys` sign the access tokens.
    pub fn new(gateway: Arc<Gateway>, own_keys: OwnKeys) -> Result<Arc<Self>, KeyError> {
        let seal = Seal::new(own_keys.derived("links between pages"));
        let seal = seal.ok_or_else(|| KeyError::Unreadable("no key to seal with can be made of it".to_string()))?;
        let token_key = TokenKey::new(own_keys);
        let (addresses, partners) = (Pace::new(4), Pace::new(4));
        let strangers = Pace::new(10);
        let (keyring, started) = (Keyring::new(), gateway.clock.now());
        Ok(Arc::new(Self {
            gateway,
            token_key,
            keyring,
            seal,
            addresses,
            strangers,
            partners,
            validations: Semaphore::new(VALIDATIONS),
            terminology: Semaphore::new(TERMINOLOGY),
            kept: Kept::default(),
            turns: Turns::default(),
            standing: Standing::default(),
            conditions: Conditions::default(),
            closures: Conditions::default(),
            started,
        }))
    }

    /// 429 when this partner asks more often than it may.
    pub(super) fn admit_partner(&self, partner: &Partner) -> Result<(), Fault> {
        if self.partners.admit(partner.name.clone(), partner.client_rate_per_sec, self.gateway.clock.now()) {
            return Ok(());
        }
        let text = "too many requests from this client; ask again later";
        let fault = Fault::new(StatusCode::TOO_MANY_REQUESTS, Category::Throttled, text);
        Err(Fault { retry_after_secs: Some(1), ..fault })
    }

    /// The FHIR base as others know it, without a trailing slash.
    pub(super) fn fhir_base(&self) -> String {
        format!("{}/fhir", self.gateway.site.load().settings.base_url)
    }
}
