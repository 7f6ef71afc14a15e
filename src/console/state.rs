//! What the pages stand on.

use std::sync::Arc;

use super::guesses::Guesses;
use super::{Pulse, Sessions};
use crate::pipeline::Gateway;
use crate::web::Turns;

/// What the pages stand on.
pub struct Console {
    pub gateway: Arc<Gateway>,
    pub sessions: Arc<Sessions>,
    pub pulse: Arc<Pulse>,
    /// What keeps passwords from being guessed.
    pub(super) guesses: Guesses,
    /// Turns at what reads all of a kind.
    pub turns: Turns,
    /// Whether the listener speaks TLS.
    pub encrypted: bool,
}

impl Console {
    pub fn new(gateway: Arc<Gateway>, sessions: Arc<Sessions>, pulse: Arc<Pulse>, encrypted: bool) -> Self {
        Self { gateway, sessions, pulse, guesses: Guesses::default(), turns: Turns::default(), encrypted }
    }

    /// Cookies are marked Secure when people come over TLS, which may end at a proxy in front.
    pub(super) fn is_secure(&self) -> bool {
        self.encrypted || self.gateway.site.load().settings.http.behind_proxy
    }
}
