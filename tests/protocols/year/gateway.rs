//! The engine through somebody's year: what becomes known is written, timers fire, two attempts are documented where somebody tries, and
//! what only a person ends is closed after a day. Every Task is kept with when it was made and when it was open.

use std::collections::BTreeMap;

use handover::fhir::Identifier;
use handover::identity::{PersonId, ResourceId};
use handover::protocol::{Action, Contact, Memory, Practice, ProtocolSet, View};
use handover::record::{Change, Membership, Record, State, Stored};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::calendar::{day, zone};
use super::life::{DAYS, Event, Life, What, after, start};
use super::practice::{hillside, membership};
use super::write::{self, Written};

/// A Task of its life.
#[derive(Debug, Clone)]
pub struct Work {
    /// `transitional-care/contact`
    pub rule: String,
    pub made: Timestamp,
    /// From when until when it was open: what is known late may open it again.
    pub open: Vec<(Timestamp, Option<Timestamp>)>,
    pub due: Option<Date>,
    /// Of an alert: it came to be an escalation.
    pub is_escalation: bool,
    /// When it first became `asap` or `stat`.
    pub climbed: Option<Timestamp>,
    /// Two attempts were documented.
    pub was_tried: bool,
}

impl Work {
    /// It was open at some time between the two.
    pub fn was_open(&self, from: Timestamp, until: Timestamp) -> bool {
        self.open.iter().any(|(begun, ended)| *begun <= until && ended.is_none_or(|ended| ended >= from))
    }
}

pub struct Gateway<'g> {
    set: &'g ProtocolSet,
    record: Record,
    /// As a record has it that stays in memory.
    memory: Memory,
    practices: BTreeMap<String, Practice>,
    memberships: Vec<Membership>,
    now: Timestamp,
    wake_at: Option<Timestamp>,
    deeds: Vec<(Timestamp, ResourceId, Action)>,
    is_tried: bool,
    works: BTreeMap<ResourceId, Work>,
    pub looks: u64,
}

impl<'g> Gateway<'g> {
    pub fn new(set: &'g ProtocolSet, life: &Life) -> Self {
        let identifier = Identifier::new("urn:example:mrn", life.number.to_string());
        Self {
            set,
            record: Record::new(PersonId::of(&identifier)),
            memory: Memory::default(),
            practices: hillside(zone(), Some("us-federal")),
            memberships: vec![membership(&identifier)],
            now: start(),
            wake_at: None,
            deeds: Vec::new(),
            is_tried: life.is_tried,
            works: BTreeMap::new(),
            looks: 0,
        }
    }

    pub fn live(&mut self, life: &Life) -> Vec<Work> {
        let patient = json!({ "birthDate": "1960-05-04", "name": [{ "text": "Somebody" }] });
        let resource = patient
            .as_object()
            .unwrap()
            .iter()
            .fold(handover::fhir::Resource::new("Patient"), |resource, (element, value)| {
                resource.with(element, value.clone())
            });
        self.put(Written { kind: "Patient", key: String::new(), resource });
        life.conditions.iter().for_each(|code| self.put(write::condition(code)));
        self.look();
        let request = ResourceId::of(self.record.head.person, "ServiceRequest", "referral 0");
        let request = format!("ServiceRequest/{request}");
        // What is told again is the same thing.
        let key = |event: &Event| {
            let is_same =
                |other: &Event| other.at == event.at && format!("{:?}", other.what) == format!("{:?}", event.what);
            life.events.iter().position(is_same).unwrap()
        };
        for (place, event) in life.events.iter().enumerate() {
            self.pass_until(event.known);
            let said = write::event(life, key(event), event, &request);
            if !(matches!(event.what, What::Begins { .. }) && self.has(&said)) {
                self.put(said);
            }
            // What becomes known at one moment is looked at together.
            if life.events.get(place + 1).is_none_or(|next| next.known != event.known) {
                self.look();
            }
        }
        self.pass_until(after(DAYS));
        std::mem::take(&mut self.works).into_values().collect()
    }

    fn has(&self, said: &Written) -> bool {
        self.record.get(said.kind, ResourceId::of(self.record.head.person, said.kind, &said.key)).is_some()
    }

    fn put(&mut self, Written { kind, key, mut resource }: Written) {
        let id = ResourceId::of(self.record.head.person, kind, &key);
        let id = if kind == "Patient" { ResourceId::patient(self.record.head.person) } else { id };
        resource.set("id", json!(id.to_string()));
        let former = self.record.get(kind, id);
        // An appointment that was kept is not booked again by a word that comes late.
        let is_stale = former.is_some_and(|former| former.resource.text("status") == Some("fulfilled"));
        if !is_stale && former.is_none_or(|former| former.resource.as_map() != resource.as_map()) {
            let version = former.map_or(1, |stored| stored.version + 1);
            let stored = Stored { id, version, updated: self.now, resource, state: State::default() };
            self.record.apply(&Change { replaces: version - 1, stored });
        }
    }

    /// Timers and what people do, each at its moment.
    fn pass_until(&mut self, until: Timestamp) {
        loop {
            let deed = self.deeds.iter().map(|(at, _, _)| *at).min();
            let Some(next) = [deed, self.wake_at].into_iter().flatten().min().filter(|next| *next <= until) else {
                break;
            };
            self.now = self.now.max(next);
            if deed == Some(next) {
                let place = self.deeds.iter().position(|(at, _, _)| *at == next).unwrap();
                let (_, task, action) = self.deeds.swap_remove(place);
                self.act(task, action);
            } else {
                self.wake_at = None;
                self.look();
            }
        }
        self.now = self.now.max(until);
    }

    fn act(&mut self, id: ResourceId, action: Action) {
        let status = self.record.get("Task", id).and_then(|task| task.resource.text("status").map(str::to_string));
        if !matches!(status.as_deref(), Some("requested" | "accepted" | "in-progress")) {
            return;
        }
        if matches!(action, Action::Attempt { .. }) {
            self.works.get_mut(&id).unwrap().was_tried = true;
        }
        let changes = self.set.act(&self.record, id, &action, "Nurse", self.now).unwrap();
        self.memory.learn(&changes);
        for change in changes {
            if change.stored.resource.resource_type() == "Task" {
                self.note(&change.stored);
            }
            self.record.apply(&change);
        }
        self.look();
    }

    fn look(&mut self) {
        self.looks += 1;
        let view =
            View { record: &self.record, memberships: &self.memberships, practices: &self.practices, now: self.now };
        let evaluation = self.set.look_again(&view, &mut self.memory);
        self.memory.learn(&evaluation.changes);
        self.wake_at = evaluation.wake_at;
        for change in evaluation.changes {
            if change.stored.resource.resource_type() == "Task" {
                self.note(&change.stored);
            }
            if change.stored.resource.resource_type() != "Provenance" {
                self.record.apply(&change);
            }
        }
    }

    fn note(&mut self, task: &Stored) {
        let of = |key: &str| {
            let work = task.state.work.as_ref();
            work.and_then(|work| work.get(key)).and_then(Value::as_str).unwrap_or_default().to_string()
        };
        let rule = format!("{}/{}", of("protocol"), of("rule"));
        let status = task.resource.text("status").unwrap().to_string();
        let due = task.resource.get("restriction").and_then(|restriction| restriction.pointer("/period/end"));
        let due = due.and_then(Value::as_str).map(|end| day(end.parse().unwrap()));
        let is_new = !self.works.contains_key(&task.id);
        let now = self.now;
        let work = self.works.entry(task.id).or_insert_with(|| Work {
            rule: rule.clone(),
            made: now,
            open: Vec::new(),
            due,
            is_escalation: false,
            climbed: None,
            was_tried: false,
        });
        let became = of("level") == "escalation" && !work.is_escalation;
        work.is_escalation |= became;
        work.due = due.or(work.due);
        let is_over = matches!(status.as_str(), "completed" | "cancelled");
        match work.open.last_mut() {
            Some((_, end @ None)) => *end = is_over.then_some(now),
            Some(_) if is_over => {}
            _ => work.open.push((now, is_over.then_some(now))),
        }
        if matches!(task.resource.text("priority"), Some("asap" | "stat")) {
            work.climbed = work.climbed.or(Some(now));
        }
        if became {
            let done = now + SignedDuration::from_hours(20);
            self.deeds.push((done, task.id, Action::Complete { outcome: Some("Reached.".into()) }));
        }
        if is_new && !is_over && rule == "transitional-care/contact" && self.is_tried {
            for hours in [1, 2] {
                let attempt = Action::Attempt { contact: Contact::ALL[0], text: String::new() };
                self.deeds.push((now + SignedDuration::from_hours(hours), task.id, attempt));
            }
        }
    }
}
