//! A story: messages, what people do, and the passing of time, by the whole path, on records that live in memory alone.
//! Clocks ring at their own time. Nothing is kept and nothing is sent.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::broadcast::Receiver;

use super::portions::portions;
use super::{Acknowledged, Arrival, Event, Gateway, TaskAction, timers, understand};
use crate::clock::{Clock, ManualClock};
use crate::fhir::Identifier;
use crate::identity::{PersonId, ResourceId};
use crate::problem::Problem;
use crate::record::{Membership, Stored};
use crate::site::Site;
use crate::store::{EngineChoice, MessageEntry, StoreError, StoreSettings, open};

/// A clock that rings more often than this at one moment never comes to rest.
const MOST_RINGS: usize = 64;

/// Everything of a record is read at the end of a story, which is short.
const OBSERVATIONS: usize = 10_000;

/// A gateway over a store in memory, with a clock that stands until the story goes on.
pub struct Story {
    pub gateway: Gateway,
    clock: Arc<ManualClock>,
    written: Receiver<Event>,
    persons: BTreeSet<PersonId>,
    /// The panel that everybody is on who is listed nowhere, and who that is so far.
    otherwise: Option<(String, Vec<Membership>)>,
}

/// What became of one message.
pub struct Told {
    pub acknowledged: Acknowledged,
    /// As it is stored; none when it could not be.
    pub entry: Option<MessageEntry>,
}

impl Story {
    /// Begins at a moment, with the members of each panel.
    pub async fn begin(
        site: Arc<Site>,
        panels: &BTreeMap<String, Vec<Membership>>,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let store = open(&StoreSettings { engine: EngineChoice::Memory, path: PathBuf::new() })?;
        for (panel, members) in panels {
            store.replace_panel(panel, members.clone(), now).await?;
        }
        let clock = Arc::new(ManualClock::at(now));
        let gateway = Gateway::new(store, site, clock.clone());
        let written = gateway.events.subscribe();
        Ok(Self { gateway, clock, written, persons: BTreeSet::new(), otherwise: None })
    }

    /// From now on everybody who is listed on no panel is on this one, beside the members it has.
    pub fn admit_everybody_to(&mut self, panel: &str, members: Vec<Membership>) {
        self.otherwise = Some((panel.to_string(), members));
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Takes a message as a feed would hand it on, now.
    pub async fn take(&mut self, feed: &str, raw: &[u8]) -> Result<Told, StoreError> {
        let arrival = Arrival { feed: feed.to_string(), raw: raw.to_vec(), ..Arrival::default() };
        self.admit(&arrival).await?;
        let acknowledged = self.gateway.accept(arrival).await;
        let entry = match acknowledged.sequence {
            Some(sequence) => self.gateway.store.message(sequence).await?,
            None => None,
        };
        let patient = entry.as_ref().and_then(|entry| entry.summary.patient.as_ref()?.parse::<ResourceId>().ok());
        self.persons.extend(patient.map(|patient| patient.person));
        // A message of several patients names one; what it wrote names them all.
        let written = entry.iter().flat_map(|entry| &entry.trace.resources).filter_map(|path| path.split('/').nth(1));
        let persons = written.filter_map(|id| id.parse::<ResourceId>().ok()).map(|id| id.person);
        self.persons.extend(persons.filter(|person| *person != PersonId::SHARED));
        self.ring().await;
        Ok(Told { acknowledged, entry })
    }

    async fn admit(&mut self, arrival: &Arrival) -> Result<(), StoreError> {
        let Some((panel, members)) = &mut self.otherwise else { return Ok(()) };
        let store = &self.gateway.store;
        for identifiers in patients_of(&self.gateway.site.load_full(), arrival, self.clock.now()) {
            if store.memberships(&identifiers).await?.is_empty() {
                members.push(Membership::new(panel, identifiers));
                store.replace_panel(panel, members.clone(), self.clock.now()).await?;
            }
        }
        Ok(())
    }

    /// Lets time pass up to a moment; each clock that comes due on the way rings at its time. Time never goes back.
    pub async fn pass_to(&mut self, then: Timestamp) -> Result<(), StoreError> {
        while let Some(next) = self.next_wake().await?.filter(|next| *next <= then) {
            self.move_to(next);
            if self.ring().await == 0 {
                break;
            }
        }
        self.move_to(then);
        self.ring().await;
        Ok(())
    }

    fn move_to(&self, then: Timestamp) {
        let way = then.duration_since(self.clock.now());
        if way > SignedDuration::ZERO {
            self.clock.advance(way);
        }
    }

    async fn next_wake(&self) -> Result<Option<Timestamp>, StoreError> {
        let mut next: Option<Timestamp> = None;
        for person in &self.persons {
            let wake = self.gateway.store.head(*person).await?.and_then(|head| head.wake_at);
            next = [next, wake].into_iter().flatten().min();
        }
        Ok(next)
    }

    /// Fires what is due until nothing is, and says how often something was.
    async fn ring(&self) -> usize {
        for rung in 0..MOST_RINGS {
            if timers::wake_due(&self.gateway).await == 0 {
                return rung;
            }
        }
        MOST_RINGS
    }

    /// Does something with the open tasks of a rule, or with those of that code; says how many there were.
    pub async fn act(&mut self, rule: &str, action: TaskAction, note: &str, who: &str) -> Result<usize, Problem> {
        let tasks = self.resources().await.map_err(unreadable)?;
        let of_rule: Vec<ResourceId> = tasks
            .iter()
            .filter(|stored| stored.resource.resource_type() == "Task" && is_of(stored, rule))
            .map(|stored| stored.id)
            .collect();
        for task in &of_rule {
            self.gateway.act(*task, action, note, who).await?;
        }
        self.ring().await;
        Ok(of_rule.len())
    }

    /// The resources written since this was last asked, as `Task/id/_history/version`.
    pub fn written(&mut self) -> Vec<String> {
        let mut written = Vec::new();
        while let Ok(event) = self.written.try_recv() {
            if let Event::Resources { written: more, .. } = event {
                written.extend(more);
            }
        }
        written
    }

    /// Everything in the records that the story is about, as it stands.
    pub async fn resources(&self) -> Result<Vec<Stored>, StoreError> {
        let mut living = BTreeMap::new();
        for person in &self.persons {
            let known = self.gateway.load(*person, OBSERVATIONS).await?;
            living.insert(known.record.head.person, known.record.resources);
        }
        let all = living.into_values().flatten().map(|(_, stored)| stored);
        Ok(all.filter(|stored| stored.state.superseded.is_none()).collect())
    }
}

/// The identifiers by which a message says whom it is about, for each patient.
pub(super) fn patients_of(site: &Site, arrival: &Arrival, now: Timestamp) -> Vec<Vec<Identifier>> {
    let Some(feed) = site.feeds.get(&arrival.feed) else { return Vec::new() };
    let read = understand::read(site, feed, arrival);
    let mapped = read.message.as_ref().and_then(|message| understand::map(site, feed, message, now));
    let portions = mapped.as_ref().and_then(|mapped| portions(&feed.identified_by, mapped).ok()).unwrap_or_default();
    portions.into_iter().map(|portion| portion.candidates).collect()
}

/// Whether a task that is not ended was made by this rule, or has this code.
fn is_of(stored: &Stored, rule: &str) -> bool {
    let made_by = stored.state.work.as_ref().and_then(|work| work.get("rule")?.as_str());
    let is_open = !matches!(
        stored.resource.text("status"),
        Some("completed" | "cancelled" | "rejected" | "failed" | "entered-in-error")
    );
    is_open && (made_by == Some(rule) || stored.resource.codings("code").iter().any(|(_, code)| *code == rule))
}

fn unreadable(error: StoreError) -> Problem {
    Problem::error(crate::problem::Category::Transient, crate::problem::Place::Whole, error.to_string())
}
