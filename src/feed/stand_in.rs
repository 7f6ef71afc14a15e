//! A gateway for tests: answers as the message's sender asks in MSH-3, remembers what it was given.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Acceptor;
use crate::hl7::{Acknowledgement, AcknowledgementMode, HeaderEcho, Outcome};
use crate::pipeline::{Acknowledged, Arrival, Code};
use crate::site::{Feed, Intake, Limits, MllpSettings, Site};

pub struct StandIn {
    site: Mutex<Arc<Site>>,
    pub seen: Mutex<Vec<Arrival>>,
}

impl StandIn {
    pub fn with(feeds: impl IntoIterator<Item = Feed>) -> Arc<Self> {
        let stand_in = Self { site: Mutex::new(Arc::new(site(feeds))), seen: Mutex::default() };
        Arc::new(stand_in)
    }

    pub fn set_feeds(&self, feeds: impl IntoIterator<Item = Feed>) {
        *self.site.lock().unwrap() = Arc::new(site(feeds));
    }

    pub fn set_behind_proxy(&self) {
        let mut held = self.site.lock().unwrap();
        let mut changed = site(held.feeds.values().cloned());
        changed.settings.http.behind_proxy = true;
        *held = Arc::new(changed);
    }

    pub fn control_ids(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|arrival| HeaderEcho::guess(&arrival.raw).control_id()).collect()
    }
}

fn site(feeds: impl IntoIterator<Item = Feed>) -> Site {
    let mut site = Site::bare(std::path::Path::new("unused"));
    site.feeds = feeds.into_iter().map(|feed| (feed.name.clone(), feed)).collect();
    site
}

pub fn feed(name: &str) -> Feed {
    let listen = ([127, 0, 0, 1], 0).into();
    Feed {
        name: name.to_string(),
        responsible: None,
        title: name.to_string(),
        mllp: Some(MllpSettings { listen, tls: None, behind_proxy: false, peers: Vec::new(), proxies: Vec::new() }),
        http: None,
        zone: TimeZone::UTC,
        authorities: Default::default(),
        habits: Default::default(),
        identified_by: Vec::new(),
        owns: Vec::new(),
        foreign: Vec::new(),
        accepts: Vec::new(),
        facilities: Vec::new(),
        limits: Limits { frame_bytes: 2000, connections: 4, in_flight: 8, idle_secs: 20, frame_secs: 10 },
        intake: Intake::Off,
        profiles: BTreeMap::new(),
        writing: Default::default(),
        handling: Default::default(),
        labelling: Default::default(),
    }
}

/// A message whose MSH-3 tells the stand-in what to do: `SLOW`, `REFUSE`, `FULL`, `PANIC` or nothing special.
pub fn message(control_id: u32, order: &str) -> String {
    format!("MSH|^~\\&|{order}|RIVERSIDE|||20260301||ADT^A04|{control_id}|P|2.5.1\rPID|1||{control_id}\r")
}

#[async_trait]
impl Acceptor for StandIn {
    async fn accept(&self, arrival: Arrival) -> Acknowledged {
        let text = String::from_utf8_lossy(&arrival.raw).into_owned();
        let echo = HeaderEcho::guess(&arrival.raw);
        let is_broken = arrival.oversized || arrival.cut_short || arrival.unframed;
        self.seen.lock().unwrap().push(arrival);
        if text.contains("|SLOW|") {
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
        assert!(!text.contains("|PANIC|"), "as asked");
        let (code, outcome) = match is_broken || text.contains("|REFUSE|") {
            true => (Code::AR, Outcome::Rejected),
            false => (Code::AA, Outcome::Accepted),
        };
        let told = Acknowledgement {
            outcome,
            problems: &[],
            mode: AcknowledgementMode::AsAsked,
            control_id: "H1",
            now: self.now(),
            application: "H",
            facility: "",
        };
        let bytes = told.write(&echo).unwrap_or_default();
        Acknowledged { code, bytes, sequence: Some(1), duplicate: false, unavailable: text.contains("|FULL|") }
    }

    fn site(&self) -> Arc<Site> {
        self.site.lock().unwrap().clone()
    }

    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}
