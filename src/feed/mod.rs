//! Feeds: where HL7 v2 messages arrive, over MLLP and over HTTP. Takes bytes and gives answers; what a message means is
//! decided further down the path.
//!
//! [`Feeds`] runs the MLLP listeners of a site; [`HttpIntake`] is `POST /hl7/{feed}` for the web server.

mod acceptor;
mod answers;
#[cfg(test)]
mod authority;
mod connection;
mod door;
mod exchange;
mod feed_fault;
mod feeds;
mod http;
mod http_refusal;
#[cfg(test)]
mod http_tests;
mod listener;
#[cfg(test)]
mod mllp_tests;
mod proxy_header;
mod rooms;
mod sender;
#[cfg(test)]
mod stand_in;

pub use acceptor::Acceptor;
pub use feed_fault::FeedFault;
pub use feeds::{Feeds, MOST_CONNECTIONS};
pub use http::{HttpIntake, PeerCertificate, remember_certificate};
pub use sender::{Answer, ClientTls, NONE_ASKED, Sender};
