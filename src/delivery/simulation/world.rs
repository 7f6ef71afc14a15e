//! What stands still until the clock moves: requests at partners, waits, what will happen when; and what must never be seen.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};
use std::sync::Arc;

use jiff::SignedDuration;
use tokio::sync::oneshot;

use super::chance::Chance;
use super::partner::{Asked, Mood, Partner, answer};
use super::site::{LATE, PARTNERS, name};
use crate::clock::{Clock, ManualClock};
use crate::delivery::client::Line;
use crate::delivery::retry::Reply;
use crate::delivery::route::Sent;
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
        asked: Asked,
    },
    /// A partner does what it took, and answers if somebody waits.
    Applies {
        partner: usize,
        wait: Option<u64>,
        asked: Asked,
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
    /// A person pauses a partner, or drains it.
    Halts(usize, bool),
    Resumes(usize),
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
    /// A transaction that is refused is taken for one that was taken.
    pub believes: bool,
    /// Times during which the gateway could not work.
    pub troubles: Vec<(Time, Time)>,
    /// Since when it cannot, where it cannot now.
    pub trouble_since: Option<Time>,
    /// When each was committed, by id.
    pub committed: BTreeMap<String, Time>,
    pub seen_wrong: Vec<String>,
    /// Partners that are paused, since when, and whether they are drained.
    pub pauses: HashMap<String, (jiff::Timestamp, bool)>,
    pub sent: u64,
    events: BinaryHeap<Reverse<(Time, u64, Event)>>,
    counted: u64,
    pub(super) waits: HashMap<u64, (oneshot::Sender<Vec<Sent>>, Sent)>,
    /// The last number that was sent for the first time of each line, and the last version of each thing.
    begun: HashMap<(String, String), u64>,
    tried: HashSet<String>,
    pub(super) lines: HashMap<String, Arc<Line>>,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let clock = Arc::new(ManualClock::at("2026-03-02T10:00:00Z".parse().unwrap()));
        let mut chance = Chance::new(seed);
        let partner = |chance: &mut Chance| {
            let names_versions = chance.percent(60);
            Partner::new(names_versions, names_versions && chance.percent(70), chance.percent(60))
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
            believes: false,
            troubles: Vec::new(),
            trouble_since: None,
            committed: BTreeMap::new(),
            seen_wrong: Vec::new(),
            pauses: HashMap::new(),
            sent: 0,
            events: BinaryHeap::new(),
            counted: 0,
            waits: HashMap::new(),
            begun: HashMap::new(),
            tried: HashSet::new(),
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
    pub fn wait(&mut self, millis: u64, ends_with: Sent) -> (u64, oneshot::Receiver<Vec<Sent>>) {
        self.counted += 1;
        let (number, (sender, receiver)) = (self.counted, oneshot::channel());
        self.waits.insert(number, (sender, ends_with));
        self.after(millis, Event::Ends(number));
        (number, receiver)
    }

    /// Whoever waits has gone on, or is gone.
    pub fn end(&mut self, wait: u64, with: Option<Vec<Sent>>) {
        if let Some((sender, usual)) = self.waits.remove(&wait) {
            let _ = sender.send(with.unwrap_or_else(|| vec![usual]));
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
    pub fn arrives(&mut self, partner: usize, wait: u64, asked: Asked) {
        let lag = self.chance.among(5..60);
        let applies = |wait| Event::Applies { partner, wait, asked: asked.clone() };
        match self.partners[partner].mood() {
            Mood::Well => {
                if self.chance.percent(3) {
                    self.after(lag / 2, applies(None));
                }
                self.after(lag, applies(Some(wait)));
            }
            Mood::Refuses(code) => self.end(wait, Some(vec![answer(code)])),
            Mood::Hangs | Mood::Behind => {
                let is_behind = self.partners[partner].mood() == Mood::Behind;
                for _ in 0..self.chance.among(0..3) {
                    let late = self.chance.among(1..LATE * 1000 - 500);
                    self.after(late, applies(None));
                }
                if is_behind {
                    self.end(wait, Some(vec![answer(504)]));
                }
            }
            Mood::Away => self.end(wait, Some(vec![Sent::without_answer(Reply::Transport, "nobody".into())])),
        }
    }

    pub fn applies(&mut self, partner: usize, wait: Option<u64>, asked: &Asked) {
        let sent = self.partners[partner].apply(asked);
        if let Some(wait) = wait {
            for write in asked.writes() {
                let id = format!("{}.{}", name(partner), write.thing);
                self.arrived_in_time(partner, &id, write.version);
            }
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
            let (lag, now, troubles) = (self.now - committed, self.now, &self.troubles);
            self.seen_wrong.push(format!(
                "a healthy partner waited {lag} ms for {thing}/{version} until {now}, and {allowed} were due: {troubles:?}"
            ));
        }
    }

    /// What was never sent before goes in the order of its line.
    pub fn begins(&mut self, delivery: &Delivery) {
        self.sent += 1;
        self.goes_in_spite(delivery);
        // What was in hand when the gateway died goes again, and with it what went together.
        if !self.tried.insert(delivery.new.id.clone()) || delivery.was_sent() {
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

impl World {
    /// The time of day for whoever asks the gateway.
    pub fn today(&self) -> jiff::Timestamp {
        self.clock.now()
    }
}
