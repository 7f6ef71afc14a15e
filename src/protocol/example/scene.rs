//! A small record that a story changes: one patient on one panel of one practice. Writes the resources that messages
//! would have become.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::fhir::{Identifier, Resource};
use crate::identity::{PersonId, ResourceId};
use crate::problem::Problem;
use crate::protocol::reconcile::stamped;
use crate::protocol::set::ProtocolSet;
use crate::protocol::view::{Evaluation, Practice, View};
use crate::record::{Membership, Record};

/// More timers than any story needs; a story that wakes more often has a loop.
const MOST_WAKES: usize = 2_000;

pub struct Scene<'s> {
    pub set: &'s ProtocolSet,
    pub record: Record,
    pub memberships: Vec<Membership>,
    pub practices: BTreeMap<String, Practice>,
    pub now: Timestamp,
    pub wake_at: Option<Timestamp>,
    /// The rules of the cards shown, in order.
    pub cards: Vec<String>,
    pub failures: Vec<String>,
    /// What rules said they could not use, each once.
    pub unused: Vec<Problem>,
    counter: usize,
}

/// The zone of the practice in stories.
pub fn zone() -> TimeZone {
    TimeZone::get("America/New_York").unwrap_or(TimeZone::UTC)
}

impl<'s> Scene<'s> {
    pub fn new(set: &'s ProtocolSet, start: Timestamp) -> Self {
        let identifier = Identifier::new("urn:example:mrn", "4711");
        let person = PersonId::of(&identifier);
        let practice = Practice {
            name: "lakeside".to_string(),
            title: "Lakeside Family Practice".to_string(),
            identifier: Some(Identifier::new("http://hl7.org/fhir/sid/us-npi", "1234567893")),
            zone: zone(),
            calendar: Some("us-federal".to_string()),
            roles: BTreeMap::new(),
        };
        let membership = Membership {
            panel: "lakeside".to_string(),
            identifiers: vec![identifier],
            practitioner: None,
            care_manager: None,
            language: None,
            phone: None,
        };
        let mut scene = Self {
            set,
            record: Record::new(person),
            memberships: vec![membership],
            practices: BTreeMap::from([("lakeside".to_string(), practice)]),
            now: start,
            wake_at: None,
            cards: Vec::new(),
            failures: Vec::new(),
            unused: Vec::new(),
            counter: 0,
        };
        scene.put(
            "Patient",
            "",
            json!({ "name": [{ "given": ["Jane"], "family": "Doe" }], "birthDate": "1950-06-15" }),
        );
        scene
    }

    /// Lets time pass; every timer on the way fires at its moment.
    pub fn pass_until(&mut self, moment: Timestamp) {
        for _ in 0..MOST_WAKES {
            let Some(wake) = self.wake_at.filter(|wake| *wake <= moment) else {
                self.now = self.now.max(moment);
                return;
            };
            self.now = self.now.max(wake);
            self.look();
        }
        self.failures.push("the protocol wakes again and again without end".to_string());
    }

    pub fn view(&self) -> View<'_> {
        View { record: &self.record, memberships: &self.memberships, practices: &self.practices, now: self.now }
    }

    /// Evaluates and applies, and checks that doing it again changes nothing.
    pub fn look(&mut self) -> Evaluation {
        let evaluation = self.set.evaluate(&self.view());
        for change in &evaluation.changes {
            self.record.apply(change);
        }
        self.wake_at = evaluation.wake_at;
        for problem in &evaluation.unused {
            if !self.unused.contains(problem) {
                self.unused.push(problem.clone());
            }
        }
        let again = self.set.evaluate(&self.view());
        for change in &again.changes {
            let what = change.stored.resource.resource_type();
            self.failures.push(format!("evaluating twice changed a {what} twice"));
        }
        if again.wake_at != evaluation.wake_at {
            self.failures.push("evaluating twice gave two times to wake".to_string());
        }
        evaluation
    }

    /// Writes a resource under a key of its own, as a message would.
    pub fn put(&mut self, resource_type: &str, key: &str, content: Value) -> ResourceId {
        let person = self.record.head.person;
        let id = ResourceId::of(person, resource_type, key);
        let mut resource = Resource::new(resource_type);
        for (element, value) in content.as_object().into_iter().flatten() {
            resource.set(element, value.clone());
        }
        let former = self.record.get(resource_type, id).cloned();
        let change = stamped(id, former.as_ref(), resource, self.now, None);
        self.record.apply(&change);
        id
    }

    pub fn read(&self, resource_type: &str, key: &str) -> Option<Resource> {
        let id = ResourceId::of(self.record.head.person, resource_type, key);
        self.record.get(resource_type, id).map(|stored| stored.resource.clone())
    }

    /// A key nobody used.
    pub fn next_key(&mut self, stem: &str) -> String {
        self.counter += 1;
        format!("{stem}-{}", self.counter)
    }
}
