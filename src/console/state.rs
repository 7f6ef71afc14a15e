//! What the pages stand on.

use std::sync::Arc;

use super::guesses::Guesses;
use super::openid::Provider;
use super::{Pulse, Sessions};
use crate::delivery::OwnKeys;
use crate::pipeline::Gateway;
use crate::web::{Seal, Turns};

/// What the pages stand on.
pub struct Console {
    pub gateway: Arc<Gateway>,
    pub sessions: Arc<Sessions>,
    pub pulse: Arc<Pulse>,
    /// What keeps passwords from being guessed.
    pub(super) guesses: Guesses,
    /// The organisation's login, and what seals those on their way there; until a restart.
    pub(super) openid: Provider,
    pub(super) seal: Option<Seal>,
    /// Turns at what reads all of a kind.
    pub turns: Turns,
    /// Whether the listener speaks TLS.
    pub encrypted: bool,
}

impl Console {
    pub fn new(gateway: Arc<Gateway>, sessions: Arc<Sessions>, pulse: Arc<Pulse>, encrypted: bool) -> Self {
        let (guesses, openid, turns) = (Guesses::default(), Provider::default(), Turns::default());
        let seal = Seal::new(rand::random());
        Self { gateway, sessions, pulse, guesses, openid, seal, turns, encrypted }
    }

    /// With the gateway's own keys, which prove to the organisation's login who asks.
    pub fn with_keys(self, own_keys: OwnKeys) -> Self {
        Self { openid: Provider::with_keys(own_keys), ..self }
    }

    /// Cookies are marked Secure when people come over TLS, which may end at a proxy in front.
    pub(super) fn is_secure(&self) -> bool {
        self.encrypted || self.gateway.site.load().settings.http.behind_proxy
    }
}
