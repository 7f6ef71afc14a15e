//! Why a feed cannot listen.

use std::net::SocketAddr;

use crate::site::TlsFault;

#[derive(Debug, thiserror::Error)]
pub enum FeedFault {
    #[error("feed {feed} cannot listen on {address}")]
    Bind { feed: String, address: SocketAddr, source: std::io::Error },
    #[error("feed {feed} cannot use TLS")]
    Tls { feed: String, source: TlsFault },
}

impl FeedFault {
    /// The feed whose listener it is.
    pub fn feed(&self) -> &str {
        match self {
            Self::Bind { feed, .. } | Self::Tls { feed, .. } => feed,
        }
    }
}
