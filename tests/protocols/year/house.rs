//! A gateway with a store on disk that lives the year of a whole practice: what happened enters in the order in which it became known, timers
//! fire and people act at their moments. What was acknowledged is noted in a journal, as a hospital's engine does; whoever is killed
//! goes on from there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use handover::clock::{Clock, ManualClock};
use handover::fhir::Identifier;
use handover::identity::{PersonId, ResourceId};
use handover::pipeline::{Code, Gateway, TaskAction, timers};
use handover::protocol::Contact;
use handover::{app, site};
use jiff::{SignedDuration, Timestamp};

use super::diary::{Deed, Diary, Work};
use super::entered::{self, Entered, MRN};
use super::life::{DAYS, Life, Order, What, after, start};
use super::outcome::life_of;

/// Whose year it is.
#[derive(Debug, Clone, Copy)]
pub struct Year {
    pub people: usize,
    pub seed: u64,
    pub order: Order,
}

impl Year {
    pub fn lives(self) -> Vec<Life> {
        (0..self.people).map(|number| life_of(number, self.seed, self.order)).collect()
    }
}

/// One thing that is told, when it becomes known, and of whom.
#[derive(Debug, Clone, Copy)]
struct Step {
    known: Timestamp,
    number: usize,
    said: Said,
}

#[derive(Debug, Clone, Copy)]
enum Said {
    Registered,
    Has(&'static str),
    Happened(usize),
}

pub struct House {
    pub gateway: Arc<Gateway>,
    clock: Arc<ManualClock>,
    lives: Vec<Life>,
    diaries: Vec<Diary>,
    seen: BTreeMap<ResourceId, u64>,
    /// Whose timer or deed is next, and when.
    next: BTreeSet<(Timestamp, usize)>,
    nexts: Vec<Option<Timestamp>>,
}

impl House {
    pub async fn open(folder: &Path, year: Year, now: Timestamp) -> Self {
        let site = site::load(folder).site.expect("the site is valid");
        let store = app::open_store(&site, |_| {}).unwrap();
        let clock = Arc::new(ManualClock::at(now));
        let lives = year.lives();
        let mut house = Self {
            gateway: Arc::new(Gateway::new(store, site, clock.clone())),
            clock,
            diaries: lives.iter().map(|_| Diary::default()).collect(),
            nexts: vec![None; lives.len()],
            lives,
            seen: BTreeMap::new(),
            next: BTreeSet::new(),
        };
        for number in 0..house.lives.len() {
            house.look(number).await;
        }
        house
    }

    /// From where the journal ends until the year does.
    pub async fn live(&mut self, journal: &mut Journal) {
        app::import_members(&self.gateway).await.unwrap();
        let steps = self.steps();
        for step in &steps[journal.told..] {
            self.pass_until(step.known, journal).await;
            self.tell(step).await;
            journal.told();
            self.look(step.number).await;
        }
        self.pass_until(after(DAYS), journal).await;
        self.gateway.store.close().await;
    }

    fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for (number, life) in self.lives.iter().enumerate() {
            let first = [Said::Registered].into_iter().chain(life.conditions.iter().map(|code| Said::Has(code)));
            steps.extend(first.map(|said| Step { known: start(), number, said }));
            let later = life.events.iter().enumerate();
            steps.extend(later.map(|(place, event)| Step { known: event.known, number, said: Said::Happened(place) }));
        }
        steps.sort_by_key(|step| (step.known, step.number));
        steps
    }

    async fn tell(&self, step: &Step) {
        let entered = match step.said {
            Said::Registered => entered::registered(step.number, start()),
            Said::Has(code) => entered::condition(step.number, code),
            Said::Happened(place) => {
                let life = &self.lives[step.number];
                let request = self.written_before(life, place, |what| matches!(what, What::Referred { .. })).await;
                let booked = self.written_before(life, place, |what| matches!(what, What::Booked { .. })).await;
                entered::event(life, place, request, booked)
            }
        };
        self.enter(entered).await;
    }

    /// What the gateway called something that was written before: told again under its number, it is answered as it was.
    async fn written_before(&self, life: &Life, place: usize, is: fn(&What) -> bool) -> Option<ResourceId> {
        let is_about = matches!(
            life.events[place].what,
            What::Accepted { .. } | What::Booked { .. } | What::Kept { .. } | What::Reported { .. }
        );
        let earlier =
            life.events.iter().position(|event| is(&event.what)).filter(|earlier| is_about && *earlier < place)?;
        let request = match life.events[earlier].what {
            What::Referred { .. } => None,
            _ => Box::pin(self.written_before(life, earlier, |what| matches!(what, What::Referred { .. }))).await,
        };
        self.enter(entered::event(life, earlier, request, None)).await
    }

    async fn enter(&self, entered: Entered) -> Option<ResourceId> {
        match entered {
            Entered::Message(arrival) => {
                let answer = self.gateway.accept(arrival).await;
                assert_eq!(answer.code, Code::AA, "{}", String::from_utf8_lossy(&answer.bytes));
                None
            }
            Entered::Write(submission) => {
                let body = String::from_utf8_lossy(&submission.body).into_owned();
                let done = self.gateway.submit(submission).await.result;
                let done = done.unwrap_or_else(|refusal| panic!("{:?}: {body}", refusal.problems));
                done.first().map(|done| done.id)
            }
        }
    }

    /// Timers and what people do, each at its moment.
    async fn pass_until(&mut self, until: Timestamp, journal: &mut Journal) {
        while let Some((at, number)) = self.next.first().copied().filter(|(at, _)| *at <= until) {
            self.move_to(at, journal);
            let is_tried = self.lives[number].is_tried;
            let deed = self.diaries[number].next_deed(is_tried);
            match deed.filter(|(due, ..)| *due <= self.clock.now()) {
                Some((_, task, deed)) => self.act(task, deed).await,
                None => {
                    // What a gateway that was killed had claimed stands still for some seconds.
                    if timers::wake_due(&self.gateway).await == 0 && self.wake_of(number).await == Some(at) {
                        self.clock.advance(SignedDuration::from_secs(1));
                    }
                }
            }
            self.look(number).await;
        }
        self.move_to(until, journal);
    }

    fn move_to(&self, then: Timestamp, journal: &mut Journal) {
        let way = then.duration_since(self.clock.now());
        if way > SignedDuration::ZERO {
            self.clock.advance(way);
            journal.passed(then);
        }
    }

    async fn act(&self, task: ResourceId, deed: Deed) {
        let (attempt, action, note) = match deed {
            Deed::Finish => (None, TaskAction::Complete, "Reached."),
            Deed::Try => (Some(Contact::NoAnswer), TaskAction::Note, ""),
        };
        self.gateway.act_after(task, attempt, action, note, "console:Nurse").await.unwrap();
    }

    async fn wake_of(&self, number: usize) -> Option<Timestamp> {
        self.gateway.store.head(person(number)).await.unwrap().and_then(|head| head.wake_at)
    }

    /// Reads what became of somebody's Tasks, and when there is something to do.
    async fn look(&mut self, number: usize) {
        let known = self.gateway.load(person(number), 1).await.unwrap();
        let tasks = known.record.of_type("Task").filter(|task| task.state.work.is_some());
        for task in tasks {
            let seen = self.seen.insert(task.id, task.version).unwrap_or_default();
            for version in seen + 1..=task.version {
                let stored = self.gateway.store.version("Task", task.id, version).await.unwrap().expect("each version");
                self.diaries[number].note(&stored, stored.updated);
            }
        }
        let deed = self.diaries[number].next_deed(self.lives[number].is_tried).map(|(at, ..)| at);
        let next = [deed, known.record.head.wake_at].into_iter().flatten().min();
        let before = std::mem::replace(&mut self.nexts[number], next);
        before.map(|at| self.next.remove(&(at, number)));
        next.map(|at| self.next.insert((at, number)));
    }

    /// What became of everybody's Tasks.
    pub fn into_works(self) -> Vec<(Life, Vec<Work>)> {
        self.lives.into_iter().zip(self.diaries.into_iter().map(Diary::into_works)).collect()
    }
}

pub fn person(number: usize) -> PersonId {
    PersonId::of(&Identifier::new(MRN, number.to_string()))
}

/// How much was acknowledged, and what time it was: outlives whoever writes it.
pub struct Journal {
    file: File,
    pub told: usize,
    pub now: Timestamp,
}

impl Journal {
    pub fn open(folder: &Path) -> Self {
        let path = folder.join("journal");
        let (told, now) = Self::read(folder);
        let file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        Self { file, told, now }
    }

    /// How many things were told so far, and the last moment.
    pub fn read(folder: &Path) -> (usize, Timestamp) {
        let text = std::fs::read_to_string(folder.join("journal")).unwrap_or_default();
        let told = text.lines().filter(|line| *line == "told").count();
        let now = text.lines().rev().find(|line| *line != "told").map(|line| line.parse().unwrap());
        (told, now.unwrap_or_else(start))
    }

    fn told(&mut self) {
        self.file.write_all(b"told\n").unwrap();
    }

    fn passed(&mut self, now: Timestamp) {
        self.file.write_all(format!("{now}\n").as_bytes()).unwrap();
    }
}
