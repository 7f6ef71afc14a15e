//! What an attempt meets outside of this process: the partner, and time that passes. Its own door, so that a simulation can stand
//! behind it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::client::{Line, Lines};
use super::route::{Route, Sent};
use super::send::send;
use super::transaction::send_together;
use crate::site::{Partner, Site};
use crate::store::Delivery;

#[async_trait]
pub trait Outside: Send + Sync {
    /// The way to a partner of this site; a sentence where there is none.
    fn line(&self, site: &Arc<Site>, partner: &Partner) -> Result<Arc<Line>, String>;

    /// Sends once.
    async fn send(&self, route: &Route<'_>, delivery: &Delivery) -> Sent;

    /// Sends as one transaction; what came of each.
    async fn send_together(&self, route: &Route<'_>, all: &[&Delivery]) -> Vec<Sent>;

    async fn wait(&self, time: Duration);
}

/// The network, and the machine's time.
#[derive(Default)]
pub struct Network(Lines);

#[async_trait]
impl Outside for Network {
    fn line(&self, site: &Arc<Site>, partner: &Partner) -> Result<Arc<Line>, String> {
        self.0.to(site, partner)
    }

    async fn send(&self, route: &Route<'_>, delivery: &Delivery) -> Sent {
        send(route, delivery).await
    }

    async fn send_together(&self, route: &Route<'_>, all: &[&Delivery]) -> Vec<Sent> {
        send_together(route, all).await
    }

    async fn wait(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}
