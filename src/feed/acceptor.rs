//! What feeds stand on: the gateway, or a stand-in under test that answers as it is told.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::pipeline::{Acknowledged, Arrival, Gateway};
use crate::site::Site;

/// Takes what arrives and answers when it is durable.
#[async_trait]
pub trait Acceptor: Send + Sync + 'static {
    async fn accept(&self, arrival: Arrival) -> Acknowledged;

    /// The site as it is now.
    fn site(&self) -> Arc<Site>;

    fn now(&self) -> Timestamp;

    /// So many MLLP connections of a feed are open now.
    fn note_connections(&self, _feed: &str, _count: usize) {}
}

#[async_trait]
impl Acceptor for Gateway {
    async fn accept(&self, arrival: Arrival) -> Acknowledged {
        Gateway::accept(self, arrival).await
    }

    fn site(&self) -> Arc<Site> {
        self.site.load_full()
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn note_connections(&self, feed: &str, count: usize) {
        self.metrics.set_connections(feed, count);
    }
}
