//! A site that changes while the gateway runs: compiled anew, taken over whole, or refused whole. What does not follow it
//! stands in the log and in the gateway's condition, which `/health` and `handover health` tell.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::watch::SiteWatch;
use super::{certificates, panels};
use crate::feed::Feeds;
use crate::pipeline::condition::{Fault, SITE};
use crate::pipeline::{Event, Gateway};
use crate::problem::{Category, Place, Problem};
use crate::site::{self, LiveTls, Loaded, NamedFiles, Settings, Site};

/// What a listener that moves was still doing gets this long.
const DRAIN: Duration = Duration::from_secs(20);
/// A listener that could not be opened is tried again so often.
const TRY_AGAIN: Duration = Duration::from_secs(10);
/// Reloads that may be asked for while one is under way.
const QUEUE: usize = 16;

/// What a reload came to.
#[derive(Debug, Serialize)]
pub struct Reloaded {
    pub taken_over: bool,
    /// What does not follow the site now.
    pub faults: Vec<Fault>,
}

/// Asks for a reload.
#[derive(Clone)]
pub struct ReloadBell(mpsc::Sender<oneshot::Sender<Reloaded>>);

impl ReloadBell {
    pub(super) fn new() -> (Self, mpsc::Receiver<oneshot::Sender<Reloaded>>) {
        let (bell, orders) = mpsc::channel(QUEUE);
        (Self(bell), orders)
    }

    /// Returns when it is done; none when the gateway is stopping.
    pub async fn ring(&self) -> Option<Reloaded> {
        let (answer, done) = oneshot::channel();
        self.0.send(answer).await.ok()?;
        done.await.ok()
    }
}

/// SIGHUP, by which operators and log rotation ask a service to read its settings anew. Heard from before the start on: one that
/// nobody hears ends the process, and one that comes while the gateway starts is about what it has read already.
pub struct Hangups(Signal);

impl Hangups {
    pub fn listen() -> std::io::Result<Self> {
        signal(SignalKind::hangup()).map(Self)
    }

    /// Rings at every one.
    pub fn ring(mut self, bell: ReloadBell) -> JoinHandle<()> {
        tokio::spawn(async move {
            while self.0.recv().await.is_some() {
                bell.ring().await;
            }
        })
    }
}

/// Takes a site over, part by part.
pub(super) struct Reloader {
    pub gateway: Arc<Gateway>,
    pub feeds: Arc<Mutex<Option<Feeds>>>,
    pub http_tls: Option<Arc<LiveTls>>,
    /// What was in force at the start.
    pub started_with: Settings,
}

/// Makes traces as the site in force says; without them all else goes on.
pub(super) fn follow_traces(gateway: &Gateway) {
    let site = gateway.site.load();
    match gateway.traces.follow(site.settings.traces.as_ref(), &site.settings.base_url) {
        Ok(()) => gateway.condition.clear("traces"),
        Err(fault) => {
            tracing::warn!(fault, "no traces can be made");
            gateway.condition.set("traces", gateway.clock.now(), "no traces can be made".to_string(), vec![fault]);
        }
    }
}

impl Reloader {
    /// Takes over what changes, and what it is told to, until the gateway stops.
    pub(super) async fn follow(
        self,
        mut watch: Option<SiteWatch>,
        mut orders: mpsc::Receiver<oneshot::Sender<Reloaded>>,
        mut stop: watch::Receiver<bool>,
    ) {
        loop {
            let mut asked = None;
            tokio::select! {
                _ = stop.changed() => return,
                () = changed(&mut watch) => {}
                order = orders.recv() => asked = order,
                () = tokio::time::sleep(TRY_AGAIN), if self.gateway.condition.is_set("feed ") => {
                    self.follow_feeds().await;
                    continue;
                }
            }
            let (taken_over, named) = self.reload().await;
            if let Some(watch) = &mut watch {
                watch.look_after(&self.gateway.site.load(), named);
            }
            if let Some(asked) = asked {
                // Who asked may have gone.
                let _ = asked.send(Reloaded { taken_over, faults: self.gateway.condition.faults() });
            }
        }
    }

    /// Compiles the folder as it is now and takes it over; an invalid site changes nothing. True when it was taken over,
    /// and the files that it names.
    async fn reload(&self) -> (bool, NamedFiles) {
        let folder = self.gateway.site.load().folder.clone();
        let loaded = load(folder).await;
        let errors = loaded.problems.iter().filter(|problem| Problem::is_error(problem));
        let problems: Vec<String> = errors.map(ToString::to_string).collect();
        let taken_over = match loaded.site {
            Some(new) => {
                self.take_over(new).await;
                true
            }
            None => {
                self.keep(&problems);
                false
            }
        };
        self.gateway.metrics.count_reload(taken_over);
        let _ = self.gateway.events.send(Event::Site { reloaded: taken_over, problems: problems.len() });
        self.gateway.delivery_bell.notify_one();
        (taken_over, loaded.named)
    }

    async fn take_over(&self, new: Site) {
        let gateway = &self.gateway;
        let now = gateway.clock.now();
        gateway.site.store(Arc::new(new));
        gateway.condition.clear(SITE);
        let new = gateway.site.load_full();
        self.note_what_waits(&new);
        self.follow_http(&new);
        follow_traces(gateway);
        tracing::info!("the site was taken over as it is now");
        certificates::tell(gateway);
        match panels::import_members(gateway).await {
            Ok(()) => gateway.condition.clear("rosters"),
            Err(fault) => {
                tracing::error!(%fault, "a roster could not be imported; the panel keeps its members");
                let text = "a roster could not be imported; its panel keeps the members it has";
                gateway.condition.set("rosters", now, text, vec![format!("{fault:#}")]);
            }
        }
        self.follow_feeds().await;
    }

    /// What only a start can change.
    fn note_what_waits(&self, new: &Site) {
        let (before, after) = (&self.started_with, &new.settings);
        if before.data != after.data || before.store != after.store {
            let text = waits("store");
            tracing::warn!("{text}");
            self.gateway.condition.set("store", self.gateway.clock.now(), text, Vec::new());
        } else {
            self.gateway.condition.clear("store");
        }
    }

    /// The HTTP listener stays, and shows what its files hold now. `origins` and `behind_proxy` are read at each request.
    fn follow_http(&self, new: &Site) {
        let (before, after) = (&self.started_with.http, &new.settings.http);
        let is_same_tls = before.tls == after.tls;
        let is_same = is_same_tls && before.listen == after.listen && before.max_body_bytes == after.max_body_bytes;
        let (mut texts, mut details) = (Vec::new(), Vec::new());
        if !is_same {
            tracing::warn!("{}", waits("http"));
            texts.push(waits("http"));
        }
        let files = after.tls.as_ref().filter(|_| is_same_tls);
        if let (Some(tls), Some(files)) = (&self.http_tls, files)
            && let Err(fault) = tls.renew(files)
        {
            details.push(format!("{:#}", anyhow::Error::from(fault)));
            tracing::error!(fault = details.first(), "the certificate of HTTP could not be read anew");
            texts.push("its certificate and key could not be read anew; those of before are shown".to_string());
        }
        let now = self.gateway.clock.now();
        let fault = (!texts.is_empty()).then(|| Fault::new("http", now, texts.join("; "), details));
        self.gateway.condition.replace("http", fault);
    }

    /// Opens, closes and changes listeners as the site in force says.
    async fn follow_feeds(&self) {
        let mut feeds = self.feeds.lock().await;
        let Some(feeds) = feeds.as_mut() else { return };
        let now = self.gateway.clock.now();
        let text = "its listener does not follow the site; it is tried again every 10 seconds";
        let faults = feeds.reload(DRAIN).await.into_iter().map(|fault| {
            let part = format!("feed {}", fault.feed());
            Fault::new(&part, now, text, vec![format!("{:#}", anyhow::Error::from(fault))])
        });
        self.gateway.condition.replace("feed ", faults);
    }

    /// The old site stays in force, and everybody who asks is told why.
    fn keep(&self, problems: &[String]) {
        for problem in problems {
            tracing::error!(problem, "the changed site is not valid");
        }
        tracing::error!(problems = problems.len(), "the old site stays in force");
        let text = format!(
            "the site in its folder has {} and was not taken over; the one read at {} is in force",
            if problems.len() == 1 { "1 error".to_string() } else { format!("{} errors", problems.len()) },
            self.gateway.site.load().read_at.strftime("%Y-%m-%d %H:%M:%S UTC"),
        );
        self.gateway.condition.set(SITE, self.gateway.clock.now(), text, problems.to_vec());
    }
}

fn waits(part: &str) -> String {
    format!("what the site says of `{part}` has changed since the start and holds with the next one")
}

async fn changed(watch: &mut Option<SiteWatch>) {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}

/// The site, or why there is none.
async fn load(folder: PathBuf) -> Loaded {
    let loaded = tokio::task::spawn_blocking(move || site::load(&folder)).await;
    loaded.unwrap_or_else(|fault| {
        let text = format!("reading the site ended in disorder: {fault}");
        let problem = Problem::fatal(Category::Exception, Place::Whole, text);
        Loaded { site: None, problems: vec![problem], sources: Vec::new(), named: NamedFiles::default() }
    })
}
