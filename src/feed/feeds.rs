//! All MLLP listeners of a site: started together, changed when the site is reloaded, drained at the end.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::site::Site;

use super::acceptor::Acceptor;
use super::feed_fault::FeedFault;
use super::listener::Listener;

/// More connections over all feeds are of no use, whatever the system allows.
pub const MOST_CONNECTIONS: usize = 4096;

/// The running listeners.
pub struct Feeds {
    acceptor: Arc<dyn Acceptor>,
    overall: Arc<Semaphore>,
    listeners: BTreeMap<String, Listener>,
}

impl Feeds {
    /// Starts a listener for each feed of the current site that has one. `connections` is how many all of them may have; each feed
    /// has its own limit below this.
    ///
    /// # Errors
    /// A port cannot be bound or TLS cannot be set up; nothing is listening then.
    pub async fn start(acceptor: Arc<dyn Acceptor>, connections: usize) -> Result<Self, FeedFault> {
        let site = acceptor.site();
        let wanted: usize =
            site.feeds.values().filter(|feed| feed.mllp.is_some()).map(|feed| feed.limits.connections).sum();
        if wanted > connections {
            let advice = advice(connections);
            tracing::warn!(
                wanted,
                connections,
                "the feeds may have more connections than this process takes; {advice}"
            );
        }
        // Nothing lost: a connection beyond it is refused before anything is sent, with a line in the log.
        let overall = Arc::new(Semaphore::new(connections));
        let mut feeds = Self { acceptor, overall, listeners: BTreeMap::new() };
        match feeds.open_missing(&site).await.into_iter().next() {
            Some(fault) => Err(fault),
            None => Ok(feeds),
        }
    }

    /// Where each feed really listens: the port that was bound where the site says 0.
    pub fn addresses(&self) -> BTreeMap<String, SocketAddr> {
        self.listeners.iter().map(|(name, listener)| (name.clone(), listener.address())).collect()
    }

    /// Follows the current site: feeds that are gone or listen otherwise are closed (what they took is still answered),
    /// new ones opened, the limits of the others changed for connections to come.
    ///
    /// What it gives are those that could not be opened or changed; the others are running.
    pub async fn reload(&mut self, drain_within: Duration) -> Vec<FeedFault> {
        let site = self.acceptor.site();
        let mut faults = Vec::new();
        for (name, listener) in std::mem::take(&mut self.listeners) {
            let feed = site.feeds.get(&name);
            match feed.filter(|feed| feed.mllp.as_ref() == Some(listener.settings())) {
                Some(feed) => {
                    faults.extend(listener.replace(feed.clone()).err());
                    self.listeners.insert(name, listener);
                }
                None => {
                    let draining = listener.close().await;
                    tokio::spawn(draining.finish(drain_within));
                }
            }
        }
        faults.extend(self.open_missing(&site).await);
        faults
    }

    /// Stops reading, answers what was taken, and closes; connections that are not done in time are cut.
    pub async fn drain(self, within: Duration) {
        let mut draining = tokio::task::JoinSet::new();
        for listener in self.listeners.into_values() {
            draining.spawn(async move { listener.close().await.finish(within).await });
        }
        while draining.join_next().await.is_some() {}
    }

    async fn open_missing(&mut self, site: &Site) -> Vec<FeedFault> {
        let mut faults = Vec::new();
        for feed in site.feeds.values() {
            let Some(settings) = feed.mllp.clone().filter(|_| !self.listeners.contains_key(&feed.name)) else {
                // Nothing lost: a feed without MLLP, or that listens already, has nothing to open.
                continue;
            };
            let opened = Listener::open(self.acceptor.clone(), feed.clone(), settings, self.overall.clone()).await;
            match opened {
                Ok(listener) => {
                    tracing::info!(feed = feed.name, address = %listener.address(), "listening for MLLP");
                    self.listeners.insert(feed.name.clone(), listener);
                }
                Err(fault) => {
                    tracing::error!(feed = feed.name, error = %fault, "cannot listen");
                    faults.push(fault);
                }
            }
        }
        faults
    }
}

/// What helps where the feeds together may have more than so many connections.
fn advice(connections: usize) -> &'static str {
    // Nothing lost: only the words of a line in the log.
    if connections < MOST_CONNECTIONS {
        "let it open more files, or lower `limits.connections`"
    } else {
        "lower `limits.connections`: more files would not change it"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_files_are_advised_only_where_they_help() {
        assert!(advice(MOST_CONNECTIONS - 1).starts_with("let it open more files"));
        assert!(!advice(MOST_CONNECTIONS).starts_with("let it open more files"));
    }
}
