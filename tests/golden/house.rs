//! The demo's site without a network: a dry run, or a gateway over a store in memory with a clock that stands.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use handover::clock::{Clock, ManualClock};
use handover::fhir::Resource;
use handover::identity::{PersonId, ResourceId};
use handover::pipeline::{Acknowledged, Arrival, Gateway, timers};
use handover::problem::Problem;
use handover::profile;
use handover::record::Membership;
use handover::site::{self, Site};
use handover::store::{Delivery, DeliveryFilter, EngineChoice, StoreSettings, open};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;

pub const FEED: &str = "riverside";

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The demo's site.
pub fn site() -> Arc<Site> {
    static SITE: OnceLock<Arc<Site>> = OnceLock::new();
    let load = || {
        let loaded = site::load(&root().join("fixtures/demo"));
        Arc::new(loaded.site.unwrap_or_else(|| panic!("the demo's site is not valid: {:#?}", loaded.problems)))
    };
    Arc::clone(SITE.get_or_init(load))
}

/// The members of the site's panels, as its files list them.
pub fn members() -> &'static [Membership] {
    static MEMBERS: OnceLock<Vec<Membership>> = OnceLock::new();
    MEMBERS.get_or_init(|| members_of(&site()))
}

/// The members of a site's panels, as its files list them.
pub fn members_of(site: &Site) -> Vec<Membership> {
    let read = |panel: &site::Panel| {
        let file = panel.members.clone().unwrap();
        let bytes = std::fs::read(site.folder.join(&file)).unwrap();
        site.read_roster(panel, &file, &bytes).members
    };
    site.panels.values().flat_map(read).collect()
}

/// When a message was made: MSH-7 in the feed's zone, and five seconds for the way.
pub fn arrival_time(raw: &[u8]) -> Timestamp {
    let text = String::from_utf8_lossy(raw);
    let header = text.split(['\r', '\n']).next().unwrap_or_default();
    let separator = header.chars().nth(3).unwrap_or('|');
    let made = header.split(separator).nth(6).unwrap_or_default();
    let civil: DateTime =
        DateTime::strptime("%Y%m%d%H%M%S", made).unwrap_or_else(|_| "2026-03-02T10:16:00".parse().unwrap());
    let zoned = civil.to_zoned(TimeZone::get("America/New_York").unwrap()).unwrap();
    zoned.timestamp() + jiff::SignedDuration::from_secs(5)
}

/// A gateway of the demo's site with its panel's members, at a moment.
pub struct House {
    pub gateway: Gateway,
    pub clock: Arc<ManualClock>,
}

impl House {
    pub async fn at(now: Timestamp) -> Self {
        let store =
            open(&StoreSettings { engine: EngineChoice::Memory, path: Path::new("unused").to_path_buf() }).unwrap();
        store.replace_panel("lakeside", members().to_vec(), now).await.unwrap();
        let clock = Arc::new(ManualClock::at(now));
        Self { gateway: Gateway::new(store, site(), clock.clone()), clock }
    }

    /// Takes a message; the clock moves forward to `now` first.
    pub async fn take(&self, raw: &[u8], now: Timestamp) -> Acknowledged {
        self.move_to(now).await;
        let arrival = Arrival { feed: FEED.to_string(), raw: raw.to_vec(), ..Arrival::default() };
        self.gateway.accept(arrival).await
    }

    /// Lets the time pass, and every clock that comes due on the way ring at its time or later.
    pub async fn move_to(&self, now: Timestamp) {
        if now > self.clock.now() {
            self.clock.advance(now.duration_since(self.clock.now()));
        }
        self.ring().await;
    }

    /// Fires what is due until nothing is.
    pub async fn ring(&self) {
        for _ in 0..32 {
            if timers::wake_due(&self.gateway).await == 0 {
                return;
            }
        }
        panic!("the clocks never come to rest");
    }

    /// Everything in the records of these persons, and the shared resources they speak of, by `Type/id`.
    pub async fn resources(&self, persons: &BTreeSet<PersonId>) -> BTreeMap<String, Value> {
        let mut found: BTreeMap<String, Value> = BTreeMap::new();
        for person in persons {
            let known = self.gateway.load(*person, 10_000).await.unwrap();
            for ((kind, id), stored) in known.record.resources {
                found.insert(format!("{kind}/{id}"), Value::from(stored.resource));
            }
        }
        loop {
            let missing: Vec<String> =
                found.values().flat_map(references).filter(|reference| !found.contains_key(reference)).collect();
            if missing.is_empty() {
                return found;
            }
            for reference in missing {
                let (kind, id) = reference.split_once('/').unwrap();
                let id: ResourceId = id.parse().unwrap_or_else(|_| panic!("{reference} is no reference of ours"));
                let stored = self.gateway.store.resource(kind, id).await.unwrap();
                let stored = stored.unwrap_or_else(|| panic!("{reference} leads nowhere"));
                found.insert(reference, Value::from(stored.resource));
            }
        }
    }

    /// Every delivery, in the order in which it is sent.
    pub async fn deliveries(&self) -> Vec<Delivery> {
        let page = self.gateway.store.deliveries(&DeliveryFilter::default(), None, 10_000).await.unwrap();
        let mut all = page.items;
        all.sort_by_key(|delivery| (delivery.new.person, delivery.new.number));
        all
    }
}

/// Literal references anywhere in a resource.
pub fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(references).collect(),
        Value::Object(map) => {
            let own = map.get("reference").and_then(Value::as_str).filter(|text| !text.contains(':'));
            own.map(str::to_string).into_iter().chain(map.values().flat_map(references)).collect()
        }
        _ => Vec::new(),
    }
}

/// Fails with every fault of a resource that is not valid R4, or not what a profile of Handover's own says it makes.
pub fn assert_valid(name: &str, value: &Value) {
    let resource = Resource::try_from(value.clone()).unwrap();
    let faults: Vec<String> =
        profile::validate_own(&resource).iter().filter(|problem| problem.is_error()).map(Problem::to_string).collect();
    assert!(
        faults.is_empty(),
        "{name}: a {} is not valid:\n{}\n{value:#}",
        resource.resource_type(),
        faults.join("\n")
    );
}
