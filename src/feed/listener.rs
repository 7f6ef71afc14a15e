//! One feed's port: takes connections within the limits, asks who it is, and hands them on. MLLP over TCP and over TLS.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::site::{Feed, MllpSettings, certificate_names};

use super::acceptor::Acceptor;
use super::connection::{Connection, wait_for_stop};
use super::feeds::FeedFault;

/// After the system refuses a connection (out of descriptors), this long before the next try.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A port that is listening.
pub(super) struct Listener {
    address: SocketAddr,
    settings: MllpSettings,
    feed: Arc<ArcSwap<Feed>>,
    stop: watch::Sender<bool>,
    task: JoinHandle<JoinSet<()>>,
}

/// A closed port whose connections are still being answered.
pub(super) struct Draining {
    feed: String,
    connections: JoinSet<()>,
}

impl Listener {
    pub async fn open(
        acceptor: Arc<dyn Acceptor>,
        feed: Feed,
        settings: MllpSettings,
        overall: Arc<Semaphore>,
    ) -> Result<Self, FeedFault> {
        let name = feed.name.clone();
        let tls = settings.tls.as_ref().map(|files| files.server_config()).transpose();
        let tls = tls.map_err(|source| FeedFault::Tls { feed: name.clone(), source })?;
        let tls = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
        let fault = |source| FeedFault::Bind { feed: name.clone(), address: settings.listen, source };
        let socket = TcpListener::bind(settings.listen).await.map_err(fault)?;
        let address = socket.local_addr().map_err(fault)?;
        let feed = Arc::new(ArcSwap::from_pointee(feed));
        let (stop, stopped) = watch::channel(false);
        let door = Door { acceptor, feed: feed.clone(), settings: settings.clone(), overall, tls, stopped };
        Ok(Self { address, settings, feed, stop, task: tokio::spawn(door.keep(socket)) })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn settings(&self) -> &MllpSettings {
        &self.settings
    }

    /// New limits, for connections to come.
    pub fn replace(&self, feed: Feed) {
        self.feed.store(Arc::new(feed));
    }

    /// Closes the port and tells its connections to stop reading. The port is free when this returns.
    pub async fn close(self) -> Draining {
        self.stop.send_replace(true);
        let feed = self.feed.load().name.clone();
        Draining { feed, connections: self.task.await.unwrap_or_default() }
    }
}

impl Draining {
    /// Waits for what was taken to be answered; cuts what is not done in time.
    pub async fn finish(mut self, within: Duration) {
        let all = async { while self.connections.join_next().await.is_some() {} };
        if timeout(within, all).await.is_err() {
            tracing::warn!(feed = self.feed, connections = self.connections.len(), "connections were cut at shutdown");
            self.connections.shutdown().await;
        }
    }
}

/// What decides who comes in.
struct Door {
    acceptor: Arc<dyn Acceptor>,
    feed: Arc<ArcSwap<Feed>>,
    settings: MllpSettings,
    overall: Arc<Semaphore>,
    tls: Option<TlsAcceptor>,
    stopped: watch::Receiver<bool>,
}

impl Door {
    async fn keep(mut self, socket: TcpListener) -> JoinSet<()> {
        let mut connections = JoinSet::new();
        let mut stopped = self.stopped.clone();
        loop {
            tokio::select! {
                () = wait_for_stop(&mut stopped) => return connections,
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                accepted = socket.accept() => match accepted {
                    Ok((stream, peer)) => self.admit(stream, peer.ip(), &mut connections),
                    Err(error) => {
                        tracing::warn!(feed = self.feed.load().name, %error, "a connection could not be taken");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
    }

    /// Beyond a limit or from a stranger, the connection is closed at once: MLLP has no word for refusal.
    fn admit(&mut self, stream: TcpStream, peer: IpAddr, connections: &mut JoinSet<()>) {
        let feed = self.feed.load_full();
        if !self.settings.may_admit(peer) {
            tracing::warn!(feed = feed.name, %peer, "refused: not among the feed's peers");
            return;
        }
        if connections.len() >= feed.limits.connections {
            tracing::warn!(feed = feed.name, %peer, limit = feed.limits.connections, "refused: the feed has too many connections");
            return;
        }
        let Ok(permit) = self.overall.clone().try_acquire_owned() else {
            tracing::warn!(feed = feed.name, %peer, "refused: the gateway has too many connections");
            return;
        };
        // Acknowledgements are small and waited for.
        // Nothing lost: only faster; nothing depends on it.
        let _ = stream.set_nodelay(true);
        let (acceptor, tls, settings, stopped) =
            (self.acceptor.clone(), self.tls.clone(), self.settings.clone(), self.stopped.clone());
        connections.spawn(async move {
            let _permit = permit;
            match tls {
                None if settings.admits(peer, &[]) => {
                    let connection = Connection { acceptor, feed, peer: peer.to_string() };
                    connection.serve(stream, stopped).await;
                }
                None => tracing::warn!(feed = feed.name, %peer, "refused: the feed wants a certificate but has no TLS"),
                Some(tls) => {
                    greet(tls, stream, peer, &settings, Connection { acceptor, feed, peer: String::new() }, stopped)
                        .await
                }
            }
        });
    }
}

/// The TLS handshake, within the time of a frame, and the question whose certificate it was.
async fn greet(
    tls: TlsAcceptor,
    stream: TcpStream,
    peer: IpAddr,
    settings: &MllpSettings,
    mut connection: Connection,
    stopped: watch::Receiver<bool>,
) {
    let feed = connection.feed.clone();
    let stream = match timeout(Duration::from_secs(feed.limits.frame_secs), tls.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::warn!(feed = feed.name, %peer, %error, "refused: TLS failed"),
        // Nothing lost: the connection is refused before anything is sent.
        Err(_) => return tracing::warn!(feed = feed.name, %peer, "refused: TLS was not set up in time"),
    };
    let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let names = certificate.map(|certificate| certificate_names(certificate)).unwrap_or_default();
    if !settings.admits(peer, &names) {
        return tracing::warn!(feed = feed.name, %peer, ?names, "refused: not among the feed's peers");
    }
    connection.peer = settings.name_of(&names).map_or_else(|| peer.to_string(), str::to_string);
    connection.serve(stream, stopped).await;
}
