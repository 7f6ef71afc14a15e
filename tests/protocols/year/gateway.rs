//! The engine through somebody's year: what becomes known is written, timers fire, two attempts are documented where somebody tries, and
//! what only a person ends is closed after a day. Every Task is kept with when it was made and when it was open.

use std::collections::BTreeMap;

use handover::fhir::Identifier;
use handover::identity::{PersonId, ResourceId};
use handover::protocol::{Action, Contact, Memory, Practice, ProtocolSet, View};
use handover::record::{Change, Membership, Record, State, Stored};
use jiff::Timestamp;
use serde_json::json;

use super::calendar::zone;
use super::diary::{Deed, Diary, Work};
use super::life::{DAYS, Event, Life, What, after, start};
use super::practice::{hillside, membership};
use super::write::{self, Written};

pub struct Gateway<'g> {
    set: &'g ProtocolSet,
    record: Record,
    /// As a record has it that stays in memory.
    memory: Memory,
    practices: BTreeMap<String, Practice>,
    memberships: Vec<Membership>,
    now: Timestamp,
    wake_at: Option<Timestamp>,
    is_tried: bool,
    diary: Diary,
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
            is_tried: life.is_tried,
            diary: Diary::default(),
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
        std::mem::take(&mut self.diary).into_works()
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
            let deed = self.diary.next_deed(self.is_tried);
            let next = [deed.map(|(at, ..)| at), self.wake_at].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= until) else { break };
            self.now = self.now.max(next);
            match deed.filter(|(at, ..)| *at == next) {
                Some((_, task, deed)) => self.act(task, deed),
                None => {
                    self.wake_at = None;
                    self.look();
                }
            }
        }
        self.now = self.now.max(until);
    }

    fn act(&mut self, id: ResourceId, deed: Deed) {
        let action = match deed {
            Deed::Finish => Action::Complete { outcome: Some("Reached.".into()) },
            Deed::Try => Action::Attempt { contact: Contact::ALL[0], text: String::new() },
        };
        let changes = self.set.act(&self.record, id, &action, "Nurse", self.now).unwrap();
        self.memory.learn(&changes);
        for change in changes {
            if change.stored.resource.resource_type() == "Task" {
                self.diary.note(&change.stored, self.now);
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
                self.diary.note(&change.stored, self.now);
            }
            if change.stored.resource.resource_type() != "Provenance" {
                self.record.apply(&change);
            }
        }
    }
}
