//! A practice that watches over one person of the cohort: readings come, timers fire, a coach on duty from 8 to 20 takes work
//! on, calls, and closes it.

use std::collections::BTreeMap;

use handover::fhir::{Identifier, Resource};
use handover::identity::{PersonId, ResourceId};
use handover::protocol::{Action, Practice, ProtocolSet, View};
use handover::record::{Change, Membership, Record, State, Stored};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value as Json, json};

use super::people::{DAYS, Measured, Person, Value, hours, start};
use super::practice::{hillside, membership};
use super::random::Random;

/// As many results as there are among the observations that the gateway reads with a record, where all are pressures: a third of
/// those are panels of two.
const LOADED: usize = 256;

/// Somebody was asked for something.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    pub person: usize,
    pub at: Timestamp,
    pub rule: String,
    pub is_escalation: bool,
    /// It is new work, or work that came back; not what became more serious.
    pub is_new: bool,
}

#[derive(Debug, Clone)]
enum Deed {
    Look,
    Close,
}

pub struct Clinic<'c> {
    set: &'c ProtocolSet,
    person: &'c Person,
    record: Record,
    practices: BTreeMap<String, Practice>,
    memberships: Vec<Membership>,
    now: Timestamp,
    wake_at: Option<Timestamp>,
    plans: BTreeMap<(Timestamp, u64), (ResourceId, Deed)>,
    counter: u64,
    observed: Vec<ResourceId>,
    pub asked: Vec<Asked>,
    random: Random,
}

impl<'c> Clinic<'c> {
    pub fn new(set: &'c ProtocolSet, person: &'c Person, random: Random) -> Self {
        let identifier = Identifier::new("urn:example:mrn", person.number.to_string());
        Self {
            set,
            person,
            record: Record::new(PersonId::of(&identifier)),
            practices: hillside(TimeZone::UTC, None),
            memberships: vec![membership(&identifier)],
            now: start(),
            wake_at: None,
            plans: BTreeMap::new(),
            counter: 0,
            observed: Vec::new(),
            asked: Vec::new(),
            random,
        }
    }

    /// Lets the days pass.
    pub fn run(&mut self, readings: &[Measured]) {
        let end = start() + hours(24.0 * f64::from(DAYS));
        let mut readings = readings.iter().peekable();
        loop {
            let reading = readings.peek().map(|reading| reading.arrives);
            let plan = self.plans.keys().next().map(|(at, _)| *at);
            let Some(next) = [reading, plan, self.wake_at].into_iter().flatten().min().filter(|at| *at < end) else {
                return;
            };
            self.now = self.now.max(next);
            if reading == Some(next) {
                let measured = readings.next().unwrap();
                self.receive(measured);
            } else if plan == Some(next) {
                let (_, (task, deed)) = self.plans.pop_first().unwrap();
                self.work(task, &deed);
            } else {
                self.look();
            }
        }
    }

    fn receive(&mut self, measured: &Measured) {
        self.counter += 1;
        let id = ResourceId::of(self.record.head.person, "Observation", &self.counter.to_string());
        let quantity = |value: i64, unit: &str| json!({ "value": value, "unit": unit, "code": unit });
        let coded = |code: &str| json!({ "coding": [{ "system": "http://loinc.org", "code": code }] });
        let mut resource = Resource::new("Observation")
            .with("id", json!(id.to_string()))
            .with("status", json!("final"))
            .with("effectiveDateTime", json!(measured.taken.to_string()));
        match measured.value {
            Value::Saturation(value) => {
                resource.set("code", coded("59408-5"));
                resource.set("valueQuantity", quantity(value, "%"));
            }
            Value::Pressure(upper, lower) => {
                resource.set("code", coded("85354-9"));
                let part = |code, value| json!({ "code": coded(code), "valueQuantity": quantity(value, "mm[Hg]") });
                resource.set("component", json!([part("8480-6", upper), part("8462-4", lower)]));
            }
        }
        let stored = Stored { id, version: 1, updated: self.now, resource, state: State::default() };
        self.record.apply(&Change { replaces: 0, stored });
        self.observed.push(id);
        if self.observed.len() > LOADED {
            let oldest = self.observed.remove(0);
            self.record.resources.remove(&("Observation".to_string(), oldest));
            self.record.truncated = true;
        }
        self.look();
    }

    fn look(&mut self) {
        let view =
            View { record: &self.record, memberships: &self.memberships, practices: &self.practices, now: self.now };
        let evaluation = self.set.evaluate(&view);
        self.wake_at = evaluation.wake_at;
        for change in evaluation.changes {
            if change.stored.resource.resource_type() == "Task" {
                self.notice(&change.stored);
            }
            if change.stored.resource.resource_type() != "Provenance" {
                self.record.apply(&change);
            }
        }
    }

    fn notice(&mut self, task: &Stored) {
        let former = self.record.get("Task", task.id);
        let status = |stored: &Stored| stored.resource.text("status").unwrap().to_string();
        let is_new = status(task) == "requested" && former.is_none_or(|former| status(former) != "requested");
        let is_escalation = |stored: &Stored| memory(stored, "level") == "escalation";
        let became = is_escalation(task) && (is_new || !former.is_some_and(is_escalation));
        if is_new || became {
            let rule = memory(task, "rule");
            self.asked.push(Asked { person: self.person.number, at: self.now, rule, is_escalation: became, is_new });
            let seen = on_duty(self.now) + hours(0.1);
            self.plan(seen, task.id, Deed::Look);
        }
    }

    fn plan(&mut self, at: Timestamp, task: ResourceId, deed: Deed) {
        self.counter += 1;
        self.plans.insert((at, self.counter), (task, deed));
    }

    fn work(&mut self, id: ResourceId, deed: &Deed) {
        let Some(task) = self.record.get("Task", id).cloned() else { return };
        let status = task.resource.text("status").unwrap();
        match deed {
            Deed::Look if status == "requested" => self.take_on(&task),
            Deed::Close if matches!(status, "accepted" | "requested") => {
                self.act(id, Action::Complete { outcome: Some("Reached.".into()) });
            }
            _ => {}
        }
    }

    /// What needs a second reading is asked for by telephone, and six of ten are reached at once; who was reached measures
    /// within some minutes. Other work is taken on, and closed when it is done.
    fn take_on(&mut self, task: &Stored) {
        let (level, rule) = (memory(task, "level"), memory(task, "rule"));
        if level != "unconfirmed" && rule != "repeat" {
            self.act(task.id, Action::Accept);
            let done = if level == "escalation" { hours(2.0) } else { hours(20.0) };
            return self.plan(on_duty(self.now + done), task.id, Deed::Close);
        }
        if !self.random.happens(0.6) {
            return self.plan(on_duty(self.now + hours(3.0)), task.id, Deed::Look);
        }
        self.act(task.id, Action::Accept);
        let is_pressure = memory(task, "protocol") == "blood-pressure";
        let swing = if is_pressure { self.random.around(0.0, 7.0) } else { self.random.around(0.0, 0.7) };
        self.now += hours(0.05);
        let value = self.person.measure(is_pressure, self.now, swing, &mut self.random);
        self.receive(&Measured { taken: self.now, arrives: self.now, value });
        self.plan(on_duty(self.now + hours(1.0)), task.id, Deed::Close);
    }

    fn act(&mut self, id: ResourceId, action: Action) {
        for change in self.set.act(&self.record, id, &action, "Coach", self.now).unwrap() {
            if change.stored.resource.resource_type() == "Task" {
                self.record.apply(&change);
            }
        }
        self.look();
    }
}

/// What the engine remembers of its work.
fn memory(stored: &Stored, key: &str) -> String {
    let work = stored.state.work.as_ref();
    work.and_then(|work| work.get(key)).and_then(Json::as_str).unwrap_or_default().to_string()
}

/// The first moment from here on at which the coach is there.
fn on_duty(at: Timestamp) -> Timestamp {
    let zoned = at.to_zoned(TimeZone::UTC);
    match zoned.hour() {
        0..8 => zoned.date().at(8, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp(),
        8..20 => at,
        _ => zoned.date().tomorrow().unwrap().at(8, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp(),
    }
}
