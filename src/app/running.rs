//! The gateway as a whole: started part by part, stopped in the opposite order so that what was accepted is finished.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

use super::budget::Budget;
use super::http::{self, HttpPart};
use super::reload::{ReloadBell, Reloader, follow_traces};
use super::watch::SiteWatch;
use super::{certificates, own_keys, panels, private};
use crate::clock::{Clock, SystemClock};
use crate::console::{Console, Pulse, Sessions};
use crate::delivery::{self, OwnKeys, Worker};
use crate::feed::Feeds;
use crate::pipeline::{Gateway, indexing, reads, retention, set_clock, timers};
use crate::site::{Site, StoreChoice};
use crate::store::{self, EngineChoice, Store, StoreSettings};
use crate::web::Service;

/// How long the parts get to finish what is under way.
const DRAIN: Duration = Duration::from_secs(20);

/// What a start needs beside the site.
pub struct Start {
    pub site: Site,
    pub clock: Arc<dyn Clock>,
    /// Watches the site's folder and takes over what changes.
    pub watch_site: bool,
    /// Opens the control socket in the data folder.
    pub control: bool,
}

impl Start {
    pub fn of(site: Site) -> Self {
        Self { site, clock: Arc::new(SystemClock), watch_site: true, control: true }
    }
}

/// A gateway that runs in this process.
pub struct Running {
    pub gateway: Arc<Gateway>,
    pub sessions: Arc<Sessions>,
    /// Where HTTP listens; the port is the real one when 0 was asked for.
    pub http: SocketAddr,
    /// `http` or `https`.
    pub scheme: &'static str,
    /// Where each feed's MLLP listens.
    pub mllp: BTreeMap<String, SocketAddr>,
    /// Rings for a reload of the site.
    pub reload: ReloadBell,
    feeds: Arc<Mutex<Option<Feeds>>>,
    stop: watch::Sender<bool>,
    parts: Vec<(&'static str, JoinHandle<()>)>,
    http_part: HttpPart,
}

/// Opens the store that the settings choose, below their data folder. `tell` is told what had to be done to the folder before.
pub fn open_store(site: &Site, tell: impl FnOnce(&str)) -> anyhow::Result<Arc<dyn Store>> {
    let engine = engine_of(&site.settings.store);
    let path = site.settings.data.clone();
    if !matches!(engine, EngineChoice::Memory)
        && let Some(text) = private::closed(private::keep_private(&path)?)
    {
        tell(&text);
    }
    store::open(&StoreSettings { engine, path }).map_err(Into::into)
}

/// Whether the site's data folder has a store that an embedded engine made; a database is asked nothing.
pub fn holds_store(site: &Site) -> bool {
    let is_embedded = matches!(site.settings.store, StoreChoice::Fjall | StoreChoice::Sled);
    !is_embedded || site.settings.data.join("STORE").exists()
}

/// The engine that a site chose.
pub fn engine_of(choice: &StoreChoice) -> EngineChoice {
    match choice {
        StoreChoice::Fjall => EngineChoice::Fjall,
        StoreChoice::Sled => EngineChoice::Sled,
        StoreChoice::Memory => EngineChoice::Memory,
        StoreChoice::Postgres(url) => EngineChoice::Postgres { url: url.clone() },
    }
}

impl Running {
    /// Starts everything. When this returns, all listeners are bound and messages are taken.
    pub async fn start(start: Start) -> anyhow::Result<Self> {
        let store = open_store(&start.site, |text| tracing::warn!("{text}")).context("the store cannot be opened")?;
        let gateway = Arc::new(Gateway::new(store, start.site, start.clock));
        follow_traces(&gateway);
        let site = gateway.site.load_full();
        let own_keys = OwnKeys::open(&*gateway.store).await.context("the gateway's own keys")?;
        panels::import_members(&gateway).await?;
        let (stop, stopped) = watch::channel(false);
        let sessions = Arc::new(Sessions::default());
        let pulse = Arc::new(Pulse::default());
        tokio::spawn(Arc::clone(&pulse).follow(Arc::clone(&gateway)));
        let encrypted = site.settings.http.tls.is_some();
        let console = Console::new(Arc::clone(&gateway), Arc::clone(&sessions), pulse, encrypted);
        let console = Arc::new(console.with_keys(own_keys.clone()));
        let service = Service::new(Arc::clone(&gateway), own_keys.clone()).context("the gateway's own keys")?;
        let (reload, orders) = ReloadBell::new();
        let http_part =
            http::start(&gateway, service, console, start.control.then(|| (reload.clone(), own_keys.clone())))?;

        let mut parts = Vec::new();
        let acceptor = Arc::clone(&gateway) as Arc<dyn crate::feed::Acceptor>;
        let feeds = Feeds::start(acceptor, Budget::of_process().feeds).await?;
        let mllp = feeds.addresses();
        let feeds = Arc::new(Mutex::new(Some(feeds)));
        parts.push(("timers", tokio::spawn(timers::run(Arc::clone(&gateway), stopped.clone()))));
        parts.push(("clock", tokio::spawn(set_clock::run(Arc::clone(&gateway), stopped.clone()))));
        parts.push(("retention", tokio::spawn(retention::run(Arc::clone(&gateway), stopped.clone()))));
        parts.push(("indexing", tokio::spawn(indexing::run(Arc::clone(&gateway), stopped.clone()))));
        parts.push(("reserve", tokio::spawn(reads::run(Arc::clone(&gateway), stopped.clone()))));
        let telling = certificates::run(Arc::clone(&gateway), certificates::DAILY, stopped.clone());
        parts.push(("certificates", tokio::spawn(telling)));
        parts.push(("keys", tokio::spawn(own_keys::follow(Arc::clone(&gateway), own_keys.clone(), stopped.clone()))));
        parts.push(("poll", tokio::spawn(delivery::poll(Arc::clone(&gateway), own_keys.clone(), stopped.clone()))));
        let statements = delivery::read_statements(Arc::clone(&gateway), own_keys.clone(), stopped.clone());
        parts.push(("statements", tokio::spawn(statements)));
        let worker = Worker::new(Arc::clone(&gateway), own_keys);
        parts.push(("delivery", tokio::spawn(worker.run(stopped.clone()))));
        // Set before the start is over, so that a change right after it is not missed.
        let watch = start.watch_site.then(|| SiteWatch::set(&site)).flatten();
        let reloader = Reloader {
            gateway: Arc::clone(&gateway),
            feeds: Arc::clone(&feeds),
            http_tls: http_part.tls.clone(),
            started_with: site.settings.clone(),
        };
        parts.push(("site", tokio::spawn(reloader.follow(watch, orders, stopped))));
        let scheme = if encrypted { "https" } else { "http" };
        Ok(Self { gateway, sessions, http: http_part.address, scheme, mllp, reload, feeds, stop, parts, http_part })
    }

    /// The console's address with a new one-time link.
    pub fn console_link(&self) -> String {
        let link = self.sessions.new_link(self.gateway.clock.now());
        format!("{}/console/login?link={link}", self.http_part.origin)
    }

    /// Where people with accounts log in; none where the site has no people.
    pub fn login_page(&self) -> Option<String> {
        let site = self.gateway.site.load();
        let has_people = !site.people.is_empty() || site.openid.is_some();
        has_people.then(|| format!("{}/console", self.http_part.origin))
    }

    /// Stops taking, finishes what was taken, closes the store.
    pub async fn stop(self) {
        self.http_part.stop().await;
        let feeds = self.feeds.lock().await.take();
        if let Some(feeds) = feeds {
            feeds.drain(DRAIN).await;
        }
        let _ = self.stop.send(true);
        for (name, part) in self.parts {
            match tokio::time::timeout(DRAIN, part).await {
                Ok(Ok(())) => {}
                Ok(Err(fault)) => tracing::error!(%fault, part = name, "a part ended in disorder"),
                Err(_) => tracing::warn!(part = name, "a part did not finish in time; the store has all it accepted"),
            }
        }
        self.gateway.traces.stop().await;
        self.gateway.store.close().await;
    }
}

/// Ctrl-C, or the SIGTERM that init systems and containers send.
pub async fn stop_signal() -> std::io::Result<()> {
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminated.recv() => {}
    }
    Ok(())
}
