//! One feed's port: takes connections within the limits and hands them to the door. MLLP over TCP and over TLS.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::site::{Feed, LiveTls, MllpSettings};

use super::acceptor::Acceptor;
use super::connection::wait_for_stop;
use super::door::Door;
use super::feed_fault::FeedFault;
use super::rooms::Rooms;

/// After the system refuses a connection (out of descriptors), this long before the next try.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A port that is listening.
pub(super) struct Listener {
    address: SocketAddr,
    settings: MllpSettings,
    feed: Arc<ArcSwap<Feed>>,
    tls: Option<Arc<LiveTls>>,
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
        let tls_fault = |source| FeedFault::Tls { feed: name.clone(), source };
        let tls = settings.tls.as_ref().map(LiveTls::read).transpose().map_err(tls_fault)?;
        let config = tls.as_ref().map(LiveTls::server_config).transpose().map_err(tls_fault)?;
        let fault = |source| FeedFault::Bind { feed: name.clone(), address: settings.listen, source };
        let socket = TcpListener::bind(settings.listen).await.map_err(fault)?;
        let address = socket.local_addr().map_err(fault)?;
        let feed = Arc::new(ArcSwap::from_pointee(feed));
        let (stop, stopped) = watch::channel(false);
        let door = Door {
            acceptor,
            feed: feed.clone(),
            settings: Arc::new(settings.clone()),
            rooms: Arc::new(Rooms::default()),
            overall,
            tls: config.map(|config| Arc::new(config).into()),
            stopped,
        };
        Ok(Self { address, settings, feed, tls, stop, task: tokio::spawn(keep(door, socket)) })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn settings(&self) -> &MllpSettings {
        &self.settings
    }

    /// New limits, certificate and key, for connections to come.
    ///
    /// # Errors
    /// The files of TLS cannot be read or used; what they held before goes on.
    pub fn replace(&self, feed: Feed) -> Result<(), FeedFault> {
        let name = feed.name.clone();
        self.feed.store(Arc::new(feed));
        match (&self.tls, &self.settings.tls) {
            (Some(tls), Some(files)) => tls.renew(files).map_err(|source| FeedFault::Tls { feed: name, source }),
            _ => Ok(()),
        }
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

/// Takes connections until the port is closed.
async fn keep(door: Door, socket: TcpListener) -> JoinSet<()> {
    let mut connections = JoinSet::new();
    let mut stopped = door.stopped.clone();
    loop {
        let name = door.feed.load().name.clone();
        tokio::select! {
            () = wait_for_stop(&mut stopped) => {
                door.acceptor.note_connections(&name, 0);
                return connections;
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = socket.accept() => match accepted {
                Ok((stream, peer)) => door.admit(stream, peer.ip(), &mut connections),
                Err(error) => {
                    tracing::warn!(feed = name, %error, "a connection could not be taken");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
        door.acceptor.note_connections(&name, connections.len());
    }
}
