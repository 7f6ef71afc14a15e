//! What stands still until the clock moves: requests at partners, waits, what will happen when; and what must never be seen.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use tokio::sync::oneshot;

use super::chance::Chance;
use super::partner::{Mood, Partner, Write, answer};
use super::site::{LATE, PARTNERS, TIMEOUT, name};
use crate::clock::{Clock, ManualClock};
use crate::delivery::client::{Line, Lines};
use crate::delivery::outside::Outside;
use crate::delivery::retry::Reply;
use crate::delivery::route::{Route, Sent};
use crate::site::Site;
use crate::store::Delivery;

/// Milliseconds since the seed began.
pub type Time = u64;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// A wait ends.
    Ends(u64),
    /// A request reaches a partner.
    Arrives {
        partner: usize,
        wait: u64,
        thing: String,
        version: u64,
        if_match: Option<String>,
    },
    /// A partner applies what it took, and answers if somebody waits.
    Applies {
        partner: usize,
        wait: Option<u64>,
        thing: String,
        version: u64,
        if_match: Option<String>,
    },
    Look,
    Renew,
    Tells,
    Mood(usize),
    Crashes(usize),
    Backup(usize),
    Restore(usize),
    Resend(usize, Time),
    Retry,
    Pauses(Time),
    Wakes,
    Dies,
    Starts,
    DiskFull,
    DiskWell,
}

pub struct World {
    pub clock: Arc<ManualClock>,
    pub now: Time,
    pub chance: Chance,
    pub partners: Vec<Partner>,
    pub paused: bool,
    pub paused_until: Time,
    /// Nothing stands still any more.
    pub mended: bool,
    /// Some attempts never end.
    pub forgets: bool,
    /// Times during which the gateway could not work.
    pub troubles: Vec<(Time, Time)>,
    /// Since when it cannot, where it cannot now.
    pub trouble_since: Option<Time>,
    /// When each was committed, by id.
    pub committed: BTreeMap<String, Time>,
    pub seen_wrong: Vec<String>,
    pub sent: u64,
    events: BinaryHeap<Reverse<(Time, u64, Event)>>,
    counted: u64,
    waits: HashMap<u64, (oneshot::Sender<Sent>, Sent)>,
    /// The last number that was sent for the first time of each line, and the last version of each thing.
    begun: HashMap<(String, String), u64>,
    lines: HashMap<String, Arc<Line>>,
}

/// Clients are dear to make and never used here.
static LINES: LazyLock<Lines> = LazyLock::new(Lines::default);

impl World {
    pub fn new(seed: u64) -> Self {
        let clock = Arc::new(ManualClock::at("2026-03-02T10:00:00Z".parse().unwrap()));
        let mut chance = Chance::new(seed);
        let partner = |chance: &mut Chance| {
            let names_versions = chance.percent(60);
            Partner::new(names_versions, names_versions && chance.percent(70))
        };
        let partners = (0..PARTNERS).map(|_| partner(&mut chance)).collect();
        Self {
            clock,
            now: 0,
            chance,
            partners,
            paused: false,
            paused_until: 0,
            mended: false,
            forgets: false,
            troubles: Vec::new(),
            trouble_since: None,
            committed: BTreeMap::new(),
            seen_wrong: Vec::new(),
            sent: 0,
            events: BinaryHeap::new(),
            counted: 0,
            waits: HashMap::new(),
            begun: HashMap::new(),
            lines: HashMap::new(),
        }
    }

    pub fn at(&mut self, time: Time, event: Event) {
        self.counted += 1;
        self.events.push(Reverse((time, self.counted, event)));
    }

    pub fn after(&mut self, millis: u64, event: Event) {
        self.at(self.now + millis, event);
    }

    /// The next thing that happens, with the clock at its time.
    pub fn next(&mut self, until: Time) -> Option<Event> {
        let Reverse((time, _, _)) = self.events.peek()?;
        if *time > until {
            return None;
        }
        let Reverse((time, _, event)) = self.events.pop()?;
        if time > self.now {
            let passed = i64::try_from(time - self.now).unwrap();
            self.clock.advance(SignedDuration::from_millis(passed));
            self.now = time;
        }
        Some(event)
    }

    pub fn waiting(&self) -> usize {
        self.waits.len()
    }

    /// A wait that ends with this unless something else comes first.
    fn wait(&mut self, millis: u64, ends_with: Sent) -> (u64, oneshot::Receiver<Sent>) {
        self.counted += 1;
        let (number, (sender, receiver)) = (self.counted, oneshot::channel());
        self.waits.insert(number, (sender, ends_with));
        self.after(millis, Event::Ends(number));
        (number, receiver)
    }

    /// Whoever waits has gone on, or is gone.
    pub fn end(&mut self, wait: u64, with: Option<Sent>) {
        if let Some((sender, usual)) = self.waits.remove(&wait) {
            let _ = sender.send(with.unwrap_or(usual));
        }
    }

    /// Everything that this partner was doing is cut off.
    pub fn crash(&mut self, partner: usize) {
        let events = std::mem::take(&mut self.events);
        for Reverse((time, number, event)) in events {
            let is_its = |other: &usize| *other == partner;
            match &event {
                Event::Applies { partner, wait, .. } if is_its(partner) => {
                    wait.iter().for_each(|wait| self.at(self.now, Event::Ends(*wait)));
                }
                _ => self.events.push(Reverse((time, number, event))),
            }
        }
    }

    /// What was about to be written is not.
    pub fn writes_end(&mut self) {
        self.events.retain(|Reverse((_, _, event))| !matches!(event, Event::Arrives { .. }));
        (self.paused, self.paused_until) = (false, self.now);
    }

    /// What a partner makes of a request that reached it.
    pub fn arrives(&mut self, partner: usize, wait: u64, write: Write) {
        let lag = self.chance.among(5..60);
        let applies = |wait| {
            let Write { thing, version, if_match } = write.clone();
            Event::Applies { partner, wait, thing, version, if_match }
        };
        match self.partners[partner].mood() {
            Mood::Well => {
                if self.chance.percent(3) {
                    self.after(lag / 2, applies(None));
                }
                self.after(lag, applies(Some(wait)));
            }
            Mood::Refuses(code) => self.end(wait, Some(answer(code))),
            Mood::Hangs | Mood::Behind => {
                let is_behind = self.partners[partner].mood() == Mood::Behind;
                for _ in 0..self.chance.among(0..3) {
                    let late = self.chance.among(1..LATE * 1000 - 500);
                    self.after(late, applies(None));
                }
                if is_behind {
                    self.end(wait, Some(answer(504)));
                }
            }
            Mood::Away => self.end(wait, Some(Sent::without_answer(Reply::Transport, "nobody".into()))),
        }
    }

    pub fn applies(&mut self, partner: usize, wait: Option<u64>, write: &Write) {
        let sent = self.partners[partner].apply(write);
        if let Some(wait) = wait {
            let id = format!("{}.{}", name(partner), write.thing);
            self.arrived_in_time(partner, &id, write.version);
            self.end(wait, Some(sent));
        }
    }

    /// A partner that never had a fault waits no longer than the gateway was in trouble, and a lease.
    fn arrived_in_time(&mut self, partner: usize, thing: &str, version: u64) {
        let Some(committed) = self.committed.remove(&format!("{thing}/{version}")).filter(|_| partner == 0) else {
            return;
        };
        let overlap = |(from, to): &(Time, Time)| (*to).min(self.now).saturating_sub((*from).max(committed));
        let open = self.trouble_since.map(|since| (since, self.now));
        let allowed = 12_000 + self.troubles.iter().chain(&open).map(overlap).sum::<u64>();
        if self.now - committed > allowed {
            let lag = self.now - committed;
            self.seen_wrong
                .push(format!("a healthy partner waited {lag} ms for {thing}/{version}, and {allowed} were due"));
        }
    }

    /// What was never sent before goes in the order of its line.
    fn begins(&mut self, delivery: &Delivery) {
        self.sent += 1;
        if delivery.was_sent() {
            return;
        }
        let (thing, version) = delivery.new.subject.split_once("/_history/").unwrap();
        let places =
            [(delivery.new.person.to_string(), delivery.new.number), (thing.to_string(), version.parse().unwrap())];
        for (line, place) in places {
            let last = self.begun.entry((delivery.new.partner.clone(), line)).or_default();
            if place < *last {
                let text = format!("{} was sent after {last} of the same", delivery.new.id);
                self.seen_wrong.push(text);
            }
            *last = (*last).max(place);
        }
    }
}

/// The world as attempts see it.
#[derive(Clone)]
pub struct Shared(pub Arc<Mutex<World>>);

impl Shared {
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn until(&self, wait: u64, ended: oneshot::Receiver<Sent>) -> Sent {
        let _gone = Gone(self, wait);
        ended.await.unwrap_or_else(|_| Sent::without_answer(Reply::Unknown, "gone".into()))
    }
}

/// Nobody waits any more, however that came.
struct Gone<'a>(&'a Shared, u64);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.0.world().waits.remove(&self.1);
    }
}

#[async_trait]
impl Outside for Shared {
    fn line(&self, site: &Arc<Site>, partner: &crate::site::Partner) -> Result<Arc<Line>, String> {
        let mut world = self.world();
        if let Some(line) = world.lines.get(&partner.name) {
            return Ok(Arc::clone(line));
        }
        let line = Arc::new(LINES.to(site, partner)?.anew(partner));
        world.lines.insert(partner.name.clone(), Arc::clone(&line));
        Ok(line)
    }

    async fn send(&self, route: &Route<'_>, delivery: &Delivery) -> Sent {
        let (wait, ended) = {
            let mut world = self.world();
            world.begins(delivery);
            let partner = (0..PARTNERS).find(|number| name(*number) == route.partner.name).unwrap();
            let (thing, version) = delivery.new.subject.split_once("/_history/").unwrap();
            let (thing, version) = (thing.to_string(), version.parse().unwrap());
            let if_match = delivery.claimed.etag.clone();
            // It was about to write when everything stood still; what it had checked may not be so any more.
            let stall = if !world.mended && world.chance.percent(2) { world.chance.among(1_000..30_000) } else { 0 };
            if stall > 0 {
                world.after(0, Event::Pauses(stall));
            }
            let unknown = Sent::without_answer(Reply::Unknown, "no answer".into());
            let forgotten = if world.forgets && world.chance.percent(3) { 1 << 40 } else { 0 };
            let (wait, ended) = world.wait(TIMEOUT * 1000 + stall + forgotten, unknown);
            let answers = if forgotten > 0 { 0 } else { wait };
            world.after(stall, Event::Arrives { partner, wait: answers, thing, version, if_match });
            (wait, ended)
        };
        self.until(wait, ended).await
    }

    async fn wait(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap();
        if millis > 0 {
            let (wait, ended) = self.world().wait(millis, answer(200));
            self.until(wait, ended).await;
        }
    }
}

impl World {
    /// The time of day for whoever asks the gateway.
    pub fn today(&self) -> jiff::Timestamp {
        self.clock.now()
    }
}
