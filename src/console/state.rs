//! What the pages stand on.

use std::sync::Arc;

use super::{Pulse, Sessions};
use crate::pipeline::Gateway;
use crate::web::Turns;

/// What the pages stand on.
pub struct Console {
    pub gateway: Arc<Gateway>,
    pub sessions: Arc<Sessions>,
    pub pulse: Arc<Pulse>,
    /// Turns at what reads all of a kind.
    pub turns: Turns,
    /// Whether the listener speaks TLS.
    pub encrypted: bool,
}

impl Console {
    /// Cookies are marked Secure when people come over TLS, which may end at a proxy in front.
    pub(super) fn is_secure(&self) -> bool {
        self.encrypted || self.gateway.site.load().settings.http.behind_proxy
    }
}
