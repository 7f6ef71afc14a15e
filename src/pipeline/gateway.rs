//! The running gateway as feeds, web, console and workers see it: the store, the current site, the clock, and the path.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, broadcast};

use super::background::Newest;
use super::compare::{Differences, Kept, Sites};
use super::condition::Condition;
use super::coverage::Coverage;
use super::held::Looked;
use super::hot::Hot;
use super::indexed::Indexing;
use super::locks::Locks;
use super::paused::Pauses;
use super::repeats::Repeats;
use super::reserve::Reserve;
use super::server::Servers;
use crate::clock::Clock;
use crate::site::Site;
use crate::store::Store;
use crate::telemetry::{Metrics, Traces};

/// Something that happened, for pages that move and for the demo's timeline. Carries ids, never patient data.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Event {
    Message { sequence: u64, feed: String, event: String, code: String },
    Resources { sequence: u64, written: Vec<String> },
    Delivery { id: String, partner: String, result: String },
    Site { reloaded: bool, problems: usize },
}

/// One per process, shared by all its parts.
pub struct Gateway {
    pub store: Arc<dyn Store>,
    pub site: ArcSwap<Site>,
    pub clock: Arc<dyn Clock>,
    /// Bounded: a slow listener misses events and is told how many.
    pub events: broadcast::Sender<Event>,
    /// Rung when deliveries may be due now, so that the worker does not wait for its next look.
    pub delivery_bell: Notify,
    /// Rung when a record's clock may be due now.
    pub timer_bell: Notify,
    pub metrics: Metrics,
    pub traces: Traces,
    /// What does not follow the site.
    pub condition: Condition,
    /// What reads keep while the store cannot be written to.
    pub reserve: Reserve,
    /// What partners' servers say that they offer.
    pub servers: Servers,
    /// How far what is stored is indexed by the search parameters of the site's guides.
    pub indexing: Indexing,
    pub(super) compared: Kept,
    pub(super) comparing: Newest<Sites, Differences>,
    pub(super) covering: Newest<Arc<Site>, Coverage>,
    pub(super) held: Looked,
    pub(super) pauses: Pauses,
    pub(super) locks: Locks,
    pub(super) hot: Hot,
    pub(super) repeats: Repeats,
}

impl Gateway {
    /// The site may be shared with others that only read it.
    pub fn new(store: Arc<dyn Store>, site: impl Into<Arc<Site>>, clock: Arc<dyn Clock>) -> Self {
        let (events, _) = broadcast::channel(1024);
        let site = ArcSwap::new(site.into());
        Self {
            store,
            site,
            clock,
            events,
            delivery_bell: Notify::new(),
            timer_bell: Notify::new(),
            metrics: Metrics::default(),
            traces: Traces::default(),
            condition: Condition::default(),
            reserve: Reserve::default(),
            servers: Servers::default(),
            indexing: Indexing::default(),
            compared: Kept::default(),
            comparing: Newest::default(),
            covering: Newest::default(),
            held: Looked::default(),
            pauses: Pauses::default(),
            locks: Locks::new(),
            hot: Hot::new(),
            repeats: Repeats::new(),
        }
    }
}
