//! One seed from its first commit to its last check: a minute and a half of faults, then all is mended, given time and retried,
//! and what each partner holds is compared with what was committed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use serde_json::json;
use tokio::task::JoinSet;

use super::partner::Mood;
use super::shared::Shared;
use super::site::{KEY, LATE, PARTNERS, name};
use super::world::{Event, Time, World};
use crate::delivery::worker::Worker;
use crate::identity::PersonId;
use crate::pipeline::{Gateway, Operation};
use crate::site::Site;
use crate::store::{Delivery, DeliveryFilter, DeliveryState, Disk, FailingDisk, NewDelivery, WriteUnit};

/// Faults happen for so long.
pub(super) const FAULTS: Time = 90_000;

/// A fault in the code, made by what the simulation does to it: to see that it is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    None,
    /// What got no answer is thought to be over at once.
    NoDoubt,
    /// What came of an attempt is forgotten now and then, and its lease goes on.
    ForgottenOutcome,
    /// Deliveries about one patient do not wait for each other.
    NoLines,
    /// The disk keeps nothing for a while, and says nothing.
    LyingDisk,
    /// A transaction that was refused is thought to have been taken.
    Believed,
}

pub(super) struct Life {
    pub(super) gateway: Arc<Gateway>,
    worker: Arc<Worker>,
    in_hand: JoinSet<()>,
}

pub struct Run {
    pub(super) shared: Shared,
    disk: FailingDisk,
    site: Arc<Site>,
    sabotage: Sabotage,
    pub(super) life: Option<Life>,
    /// The last number of each line, and the last version of each thing at each partner.
    numbers: HashMap<(usize, u8), u64>,
    versions: HashMap<(usize, String), u64>,
    ids: Vec<String>,
    next_look: Time,
}

/// What is wrong with a seed, if anything.
pub async fn run(seed: u64, site: Arc<Site>, sabotage: Sabotage) -> Vec<String> {
    let shared = Shared(Arc::new(Mutex::new(World::new(seed))));
    let mut run = Run {
        shared,
        disk: FailingDisk::default(),
        site,
        sabotage,
        life: None,
        numbers: HashMap::new(),
        versions: HashMap::new(),
        ids: Vec::new(),
        next_look: 0,
    };
    run.world().forgets = sabotage == Sabotage::ForgottenOutcome;
    run.world().believes = sabotage == Sabotage::Believed;
    run.start();
    run.plan();
    run.plan_pauses(seed);
    run.until(FAULTS).await;
    run.mend().await;
    run.until(FAULTS + (LATE + 60) * 1000).await;
    run.retry_all().await;
    run.until(FAULTS + (2 * LATE + 120) * 1000).await;
    run.check().await;
    std::mem::take(&mut run.world().seen_wrong)
}

impl Run {
    fn world(&self) -> std::sync::MutexGuard<'_, World> {
        self.shared.world()
    }

    /// What will happen, and when.
    fn plan(&self) {
        let mut world = self.world();
        for _ in 0..world.chance.among(10..40) {
            let at = world.chance.among(0..FAULTS);
            world.at(at, Event::Tells);
        }
        for partner in 1..PARTNERS {
            for _ in 0..world.chance.among(0..4) {
                let at = world.chance.among(0..FAULTS);
                world.at(at, Event::Mood(partner));
            }
            if world.chance.percent(20) {
                let (from, at) = (world.chance.among(0..FAULTS / 2), world.chance.among(FAULTS / 2..FAULTS));
                world.at(from, Event::Backup(partner));
                world.at(at, Event::Restore(partner));
            }
            if world.chance.percent(30) {
                let at = world.chance.among(0..FAULTS);
                world.at(at, Event::Crashes(partner));
            }
        }
        let pause = Event::Pauses(world.chance.among(500..25_000));
        let once = [(Event::Dies, 60), (Event::Dies, 20), (pause, 30), (Event::DiskFull, 20), (Event::Retry, 60)];
        for (event, share) in once {
            if world.chance.percent(share) {
                let at = world.chance.among(0..FAULTS);
                world.at(at, event);
            }
        }
        world.at(3_000, Event::Renew);
        world.at(0, Event::Look);
    }

    fn start(&mut self) {
        let clock = self.world().clock.clone();
        let gateway = Arc::new(Gateway::new(self.disk.open(), self.site.clone(), clock));
        let worker = Worker::facing(gateway.clone(), KEY.clone(), Box::new(self.shared.clone()));
        self.life = Some(Life { gateway, worker, in_hand: JoinSet::new() });
    }

    async fn until(&mut self, end: Time) {
        loop {
            let Some(event) = self.world().next(end) else { return };
            self.happens(event).await;
            self.settle().await;
        }
    }

    async fn happens(&mut self, event: Event) {
        let paused = self.world().paused;
        match event {
            // What stands still notices when it goes on.
            Event::Ends(_) | Event::Renew if paused => self.world().after(500, event),
            Event::Look if paused => {}
            Event::Ends(wait) => self.world().end(wait, None),
            Event::Arrives { partner, wait, asked } => self.world().arrives(partner, wait, asked),
            Event::Applies { partner, wait, asked } => self.world().applies(partner, wait, &asked),
            Event::Look => {}
            Event::Renew => self.renew().await,
            Event::Tells => self.tell().await,
            Event::Mood(partner) => self.change_mood(partner),
            Event::Crashes(partner) => self.world().crash(partner),
            Event::Backup(partner) => {
                let mut world = self.world();
                world.partners[partner].backup = world.partners[partner].holds.clone();
            }
            Event::Restore(partner) => self.restore(partner),
            Event::Resend(partner, since) => self.resend(partner, since).await,
            Event::Retry => self.retry_all().await,
            Event::Halts(partner, drain) => self.pause(partner, drain).await,
            Event::Resumes(partner) => self.resume(partner).await,
            Event::Pauses(millis) => {
                let mut world = self.world();
                world.paused = true;
                world.paused_until = world.paused_until.max(world.now + millis);
                world.after(millis, Event::Wakes);
            }
            Event::Wakes => {
                let mut world = self.world();
                world.paused &= world.paused_until > world.now;
            }
            Event::Dies => self.die().await,
            Event::Starts if self.life.is_some() => {}
            Event::Starts => self.start(),
            Event::DiskFull => {
                self.disk.becomes(if self.sabotage == Sabotage::LyingDisk { Disk::Lying } else { Disk::Full });
                let millis = self.world().chance.among(500..20_000);
                self.world().after(millis, Event::DiskWell);
            }
            Event::DiskWell => self.disk.becomes(Disk::Well),
        }
        self.note_trouble();
    }

    fn note_trouble(&self) {
        let (now, paused) = {
            let world = self.world();
            (world.now, world.paused)
        };
        let in_trouble = self.life.is_none() || paused || self.disk.is(Disk::Full);
        let mut world = self.world();
        match (world.trouble_since, in_trouble) {
            (None, true) => world.trouble_since = Some(now),
            (Some(since), false) => {
                world.trouble_since = None;
                // A lease that was not renewed and a store that is tried again take their time.
                world.troubles.push((since, now + 12_000));
            }
            _ => {}
        }
    }

    /// Until everybody waits for the clock. Whenever something ended the worker looks for more, as it does of itself.
    async fn settle(&mut self) {
        if self.world().paused || self.life.is_none() {
            return;
        }
        loop {
            self.idle().await;
            let Some(life) = &mut self.life else { return };
            let before = life.in_hand.len();
            // Nothing lost: what cannot be claimed now is looked for again in a second.
            let again = life.worker.take_up(&mut life.in_hand).await.map(|look| look.again);
            if life.in_hand.len() > before {
                continue;
            }
            let again = again.map_or(1_000, |again| u64::try_from(again.as_millis()).unwrap().clamp(1, 1_000));
            let at = self.world().now + again;
            if self.next_look <= self.world().now || at < self.next_look {
                self.next_look = at;
                self.world().at(at, Event::Look);
            }
            return;
        }
    }

    async fn idle(&mut self) {
        let Some(life) = &mut self.life else { return };
        loop {
            while life.in_hand.try_join_next().is_some() {}
            if life.in_hand.len() == self.shared.world().waiting() {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn renew(&mut self) {
        if let Some(life) = &self.life {
            life.worker.renew_leases().await;
        }
        self.world().after(3_000, Event::Renew);
    }

    /// Something new about somebody, told to a partner.
    async fn tell(&mut self) {
        let Some(life) = &self.life else { return };
        let (partner, person, thing) = {
            let mut world = self.world();
            (world.chance.among(0..PARTNERS as u64) as usize, world.chance.among(0..2) as u8, world.chance.among(0..2))
        };
        let thing = format!("Task/{person}-{thing}");
        let version = self.versions.get(&(partner, thing.clone())).map_or(1, |last| last + 1);
        let number = self.numbers.get(&(partner, person)).map_or(1, |last| last + 1);
        let now = self.world().today();
        let whose = if self.sabotage == Sabotage::NoLines { self.ids.len() as u8 + 10 } else { person };
        let new = made(partner, PersonId([whose; 10]), number, &thing, version, now);
        let id = new.id.clone();
        let unit = WriteUnit { deliveries: vec![new], ..WriteUnit::default() };
        // What could not be committed was not told of.
        if life.gateway.store.commit(unit).await.is_ok() {
            self.versions.insert((partner, thing.clone()), version);
            self.numbers.insert((partner, person), number);
            self.ids.push(id);
            let now = self.world().now;
            self.world().committed.insert(format!("{}.{thing}/{version}", name(partner)), now);
        }
    }

    fn change_mood(&self, partner: usize) {
        let mut world = self.world();
        let mood = match world.chance.among(0..8) {
            0 => Mood::Refuses(503),
            1 => Mood::Refuses(422),
            2 => Mood::Refuses(500),
            3 => Mood::Away,
            4 | 5 => Mood::Behind,
            _ => Mood::Hangs,
        };
        let is_over = world.partners[partner].mood() != Mood::Well;
        world.partners[partner].mood = Some(if is_over { Mood::Well } else { mood });
        if !is_over {
            let millis = world.chance.among(1_000..25_000);
            world.after(millis, Event::Mood(partner));
        }
    }

    /// What it held then it holds again; somebody there says so, and since when.
    fn restore(&self, partner: usize) {
        let mut world = self.world();
        world.crash(partner);
        world.partners[partner].holds = world.partners[partner].backup.clone();
        let after = world.chance.among(100..9_000);
        world.after(after, Event::Resend(partner, 0));
    }

    async fn resend(&mut self, partner: usize, since: Time) {
        let Some(life) = self.life.as_ref().filter(|_| !self.shared.world().paused) else {
            return self.world().after(1_000, Event::Resend(partner, since));
        };
        let since = Timestamp::from_millisecond(i64::try_from(since).unwrap()).unwrap();
        let resend = Operation::DeliveryResend { partner: name(partner), since, who: "sim".into() };
        if life.gateway.perform(resend).await.is_err() {
            self.world().after(1_000, Event::Resend(partner, 0));
        }
    }

    async fn retry_all(&mut self) {
        if let Some(life) = &self.life {
            // Nothing lost: while the disk is full nobody can retry; the last retry is after that.
            let _ = life.gateway.perform(Operation::DeliveryRetry { id: None, partner: None, who: "sim".into() }).await;
        }
    }

    /// Everything in hand is gone, and what was being written with it.
    async fn die(&mut self) {
        let Some(mut life) = self.life.take() else { return };
        life.in_hand.abort_all();
        while life.in_hand.join_next().await.is_some() {}
        drop(life);
        let mut world = self.world();
        world.writes_end();
        let millis = world.chance.among(100..20_000);
        world.after(millis, Event::Starts);
    }

    async fn mend(&mut self) {
        self.disk.becomes(Disk::Well);
        if self.life.is_none() {
            self.start();
        }
        {
            let mut world = self.world();
            // What stands still goes on when its time is over, and with it what it was about to write.
            world.mended = true;
            world.partners.iter_mut().for_each(|partner| partner.mood = Some(Mood::Well));
        }
        self.note_trouble();
        self.settle().await;
    }

    /// What each partner holds is the newest, and nothing is missing, stuck or given up.
    async fn check(&mut self) {
        let Some(life) = &self.life else { return };
        let mut wrong = Vec::new();
        for id in &self.ids {
            match life.gateway.store.delivery(id).await.unwrap() {
                None => wrong.push(format!("{id} is forgotten")),
                Some(found) if is_over(&found) => {}
                Some(found) => wrong.push(format!("{id} is {} until {:?}", found.state.word(), found.next)),
            }
        }
        let stuck = life.gateway.store.deliveries(&DeliveryFilter::default(), None, 1_000).await.unwrap().items.len();
        if stuck != self.ids.len() {
            wrong.push(format!("{stuck} are kept of {} that were told", self.ids.len()));
        }
        let mut world = self.world();
        for ((partner, thing), version) in &self.versions {
            let held = world.partners[*partner].holds.get(thing).map(|(version, _)| *version);
            if held != Some(*version) {
                wrong.push(format!("{} holds {held:?} of {thing}, and the newest is {version}", name(*partner)));
            }
        }
        if world.sent > 100 + 40 * self.ids.len() as u64 {
            wrong.push(format!("{} were sent for {}", world.sent, self.ids.len()));
        }
        world.seen_wrong.append(&mut wrong);
    }
}

fn is_over(delivery: &Delivery) -> bool {
    matches!(delivery.state, DeliveryState::Delivered | DeliveryState::Superseded) && delivery.next.is_none()
}

fn made(partner: usize, person: PersonId, number: u64, thing: &str, version: u64, now: Timestamp) -> NewDelivery {
    NewDelivery {
        id: NewDelivery::id_of(&name(partner), person, number),
        partner: name(partner),
        person,
        number,
        subject: format!("{thing}/_history/{version}"),
        agreement: "agreements/a.yaml:5".into(),
        payload: json!({ "resourceType": "Task", "status": "requested", "description": version,
            "identifier": [{ "system": "https://gateway.example/id/task", "value": thing }] }),
        created: now,
        due: now,
        message: None,
        ending: false,
        urgent: number.is_multiple_of(5),
    }
}
