//! Who comes in at a feed's port: what a proxy says whose connection it is, the TLS handshake and its certificate, the feed's peers,
//! and a place among the connections. Until all that is known a connection is counted apart and gets little time.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::site::{Feed, MllpSettings, certificate_names};

use super::acceptor::Acceptor;
use super::connection::Connection;
use super::proxy_header::{self, Source};
use super::rooms::{Entry, Place, Rooms};

/// To say who one is: a proxy's header and a handshake, each.
const GREETING: Duration = Duration::from_secs(10);

/// What decides who comes in.
pub(super) struct Door {
    pub acceptor: Arc<dyn Acceptor>,
    pub feed: Arc<ArcSwap<Feed>>,
    pub settings: Arc<MllpSettings>,
    pub rooms: Arc<Rooms>,
    /// Connections over all feeds.
    pub overall: Arc<Semaphore>,
    pub tls: Option<TlsAcceptor>,
    pub stopped: watch::Receiver<bool>,
}

/// One connection on its way in.
struct Visitor {
    acceptor: Arc<dyn Acceptor>,
    feed: Arc<Feed>,
    settings: Arc<MllpSettings>,
    rooms: Arc<Rooms>,
    peer: IpAddr,
    stopped: watch::Receiver<bool>,
}

impl Door {
    /// Beyond a limit or from a stranger, the connection is closed at once: MLLP has no word for refusal.
    pub fn admit(&self, stream: TcpStream, peer: IpAddr, connections: &mut JoinSet<()>) {
        let feed = self.feed.load_full();
        let is_proxy = self.settings.is_proxy(peer);
        if !is_proxy && !self.settings.may_admit(peer) {
            tracing::warn!(feed = feed.name, %peer, "refused: not among the feed's peers");
            return;
        }
        let Ok(permit) = self.overall.clone().try_acquire_owned() else {
            tracing::warn!(feed = feed.name, %peer, "refused: the gateway has too many connections");
            return;
        };
        // Acknowledgements are small and waited for.
        // Nothing lost: only faster; nothing depends on it.
        let _ = stream.set_nodelay(true);
        let visitor = Visitor {
            acceptor: self.acceptor.clone(),
            feed,
            settings: self.settings.clone(),
            rooms: self.rooms.clone(),
            peer,
            stopped: self.stopped.clone(),
        };
        // Who is listed by address is known as it comes; others with TLS only after the handshake.
        let entry = if is_proxy { None } else { visitor.settings.entry_of(peer, &[]) };
        let is_known = entry.is_some_and(|entry| entry.is_some() || self.tls.is_none());
        let place = match entry.filter(|_| is_known) {
            Some(entry) => match visitor.seat(entry) {
                Some(place) => place,
                // Nothing lost: refused before anything is read, with a line in the log.
                None => return,
            },
            None => self.rooms.wait(peer, visitor.feed.limits.connections),
        };
        let tls = self.tls.clone();
        connections.spawn(async move {
            let _permit = permit;
            visitor.come_in(stream, tls, place, is_known).await;
        });
    }
}

impl Visitor {
    /// A seat, or a line in the log.
    fn seat(&self, entry: Entry) -> Option<Place> {
        let (limit, peers) = (self.feed.limits.connections, self.settings.peers.len());
        let place = self.rooms.seat(entry, self.peer, limit, peers);
        if place.is_none() {
            let (feed, peer) = (self.feed.name.as_str(), self.peer);
            tracing::warn!(feed, %peer, limit, "refused: the feed has too many connections; each of its other peers keeps one free");
        }
        place
    }

    async fn come_in(mut self, mut stream: TcpStream, tls: Option<TlsAcceptor>, place: Place, is_known: bool) {
        let (feed, address) = (self.feed.clone(), self.peer);
        let within = GREETING.min(Duration::from_secs(feed.limits.frame_secs));
        let greeting = async {
            if self.settings.is_proxy(address) {
                self.peer = passed_on(&mut stream, address, &feed.name, within).await?;
                if !self.settings.may_admit(self.peer) {
                    tracing::warn!(feed = feed.name, peer = %self.peer, proxy = %address, "refused: not among the feed's peers");
                    return None;
                }
            }
            match tls {
                Some(tls) => handshake(tls, stream, self.peer, &feed.name, within).await,
                None => Some((Box::new(stream) as Box<dyn Duplex>, Vec::new())),
            }
        };
        let greeted = tokio::select! {
            greeted = greeting => greeted,
            () = place.lost() => {
                return tracing::warn!(feed = feed.name, peer = %address, "closed: too many wait to say who they are");
            }
        };
        // Nothing lost: who was refused has a line in the log.
        let Some((stream, names)) = greeted else { return };
        let Some(entry) = self.settings.entry_of(self.peer, &names) else {
            return tracing::warn!(feed = feed.name, peer = %self.peer, ?names, "refused: not among the feed's peers");
        };
        let place = if is_known {
            place
        } else {
            drop(place);
            match self.seat(entry) {
                Some(place) => place,
                // Nothing lost: refused before anything is read, with a line in the log.
                None => return,
            }
        };
        let name = self.settings.name_of(&names).map_or_else(|| self.peer.to_string(), str::to_string);
        let connection = Connection { acceptor: self.acceptor, feed: self.feed, peer: name, place: Arc::new(place) };
        connection.serve(stream, self.stopped).await;
    }
}

/// A connection, with TLS or without.
trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

/// The address that a proxy passes on; none where it says nothing that can be used.
async fn passed_on(stream: &mut TcpStream, proxy: IpAddr, feed: &str, within: Duration) -> Option<IpAddr> {
    match timeout(within, proxy_header::read(stream)).await {
        Ok(Ok(Source::Passed(peer))) => Some(peer),
        Ok(Ok(Source::Own)) => {
            tracing::debug!(feed, %proxy, "the proxy looked whether anybody is here");
            None
        }
        Ok(Err(proxy_header::HeaderFault::Ended)) => {
            tracing::debug!(feed, %proxy, "the proxy connected and said nothing");
            None
        }
        Ok(Err(fault)) => {
            tracing::warn!(feed, %proxy, %fault, "refused: the feed's proxy must say whose connection it passes on");
            None
        }
        // Nothing lost: the connection is refused before anything is sent.
        Err(_) => {
            tracing::warn!(feed, %proxy, "refused: the proxy did not say in time whose connection it passes on");
            None
        }
    }
}

/// The handshake, and the names in the certificate that was shown. Who connects and leaves without a byte only looked whether
/// anybody is here, as load balancers do every few seconds.
async fn handshake(
    tls: TlsAcceptor,
    stream: TcpStream,
    peer: IpAddr,
    feed: &str,
    within: Duration,
) -> Option<(Box<dyn Duplex>, Vec<String>)> {
    let greeted = timeout(within, async {
        match stream.peek(&mut [0]).await {
            Ok(1..) => Some(tls.accept(stream).await),
            // Nothing lost: nothing came.
            Ok(0) | Err(_) => None,
        }
    });
    match greeted.await {
        Ok(Some(Ok(stream))) => {
            let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
            let names = certificate.map(|certificate| certificate_names(certificate)).unwrap_or_default();
            Some((Box::new(stream), names))
        }
        Ok(Some(Err(error))) => {
            tracing::warn!(feed, %peer, %error, "refused: TLS failed");
            None
        }
        Ok(None) => {
            tracing::debug!(feed, %peer, "somebody looked whether anybody is here");
            None
        }
        // Nothing lost: the connection is refused before anything is sent.
        Err(_) => {
            tracing::warn!(feed, %peer, "refused: TLS was not set up in time");
            None
        }
    }
}
