//! A small stand-in for pipeline and store: finds the record, assigns ids, merges, keeps the result.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::{Head, Merged, Record, Stamp, Statement, Stored, merge, merge_patients, touched};
use crate::fhir::{Draft, Identifier, Resource, Scope};
use crate::identity::{PersonId, ResourceId, assign, candidates, choose_person};
use crate::problem::Problem;

/// One message of a story. Minutes count from the story's beginning.
#[derive(Debug, Clone)]
pub struct Message {
    pub trigger: &'static str,
    pub minute: i64,
    pub control: &'static str,
    pub patient: Draft,
    pub drafts: Vec<Draft>,
    /// The MRN of the prior patient, for merges.
    pub prior: Option<&'static str>,
}

pub fn at(minute: i64) -> Timestamp {
    "2026-03-02T10:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute)
}

pub fn draft(local: &str, key: Option<&str>, resource: Value) -> Draft {
    Draft {
        local: local.to_string(),
        scope: Scope::Patient,
        key: key.map(String::from),
        resource: Resource::try_from(resource).unwrap(),
        deleted: Vec::new(),
        sources: std::collections::BTreeMap::new(),
    }
}

pub fn message(trigger: &'static str, minute: i64, control: &'static str, mrn: &str) -> Message {
    let patient =
        json!({ "resourceType": "Patient", "identifier": [{ "system": "urn:mrn", "value": mrn, "use": "usual" }] });
    Message { trigger, minute, control, patient: draft("Patient", None, patient), drafts: Vec::new(), prior: None }
}

impl Message {
    pub fn patient_with(mut self, element: &str, value: Value) -> Self {
        self.patient.resource.set(element, value);
        self
    }

    pub fn deleting(mut self, element: &str) -> Self {
        self.patient.deleted.push(element.to_string());
        self
    }

    /// States items of a list, each with the field that it came from.
    pub fn patient_by_field(mut self, element: &str, items: &[(&str, Value)]) -> Self {
        let values = items.iter().map(|(_, value)| value.clone()).collect();
        self.patient.resource.set(element, Value::Array(values));
        let sources = items.iter().map(|(source, _)| (*source).to_string()).collect();
        self.patient.sources.insert(element.to_string(), sources);
        self
    }

    pub fn merging(mut self, prior: &'static str) -> Self {
        self.prior = Some(prior);
        self
    }

    pub fn stating(mut self, draft: Draft) -> Self {
        self.drafts.push(draft);
        self
    }

    /// An encounter as a mapping hands it over, with a condition that refers to it.
    pub fn visit(self, number: &str, class: Option<&str>, start: Option<&str>, end: Option<&str>) -> Self {
        let mut encounter = json!({ "resourceType": "Encounter", "status": "unknown",
            "identifier": [{ "system": "urn:visit", "value": number }], "subject": { "reference": "#Patient" } });
        if let Some(class) = class {
            encounter["class"] = json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": class });
        }
        for (name, value) in [("start", start), ("end", end)] {
            if let Some(value) = value {
                encounter["period"][name] = json!(value);
            }
        }
        let condition = json!({ "resourceType": "Condition", "code": { "text": "cough" },
            "subject": { "reference": "#Patient" }, "encounter": { "reference": "#Encounter" } });
        self.stating(draft("Encounter", Some(&format!("urn:visit|{number}")), encounter)).stating(draft(
            "Condition",
            Some(&format!("{number} cough")),
            condition,
        ))
    }

    /// Where the patient is, by the field that says so, for the visit stated last.
    pub fn place(mut self, field: &str, bed: &str) -> Self {
        let visit = self.visit_draft();
        let mut places = visit.resource.get("location").and_then(Value::as_array).cloned().unwrap_or_default();
        places.push(json!({ "location": { "reference": format!("Location/{bed}") }, "status": "active" }));
        visit.resource.set("location", Value::Array(places));
        visit.sources.entry("location".to_string()).or_default().push(field.to_string());
        self
    }

    pub fn disposed(mut self, code: &str) -> Self {
        let visit = self.visit_draft();
        let disposition = json!({ "dischargeDisposition": { "coding": [{ "code": code }] } });
        visit.resource.set("hospitalization", disposition);
        visit.sources.insert("hospitalization".to_string(), Vec::new());
        self
    }

    pub fn visit_deleting(mut self, part: &str) -> Self {
        self.visit_draft().deleted.push(part.to_string());
        self
    }

    fn visit_draft(&mut self) -> &mut Draft {
        self.drafts.iter_mut().rev().find(|draft| draft.resource.resource_type() == "Encounter").unwrap()
    }

    pub fn observation(self, key: &str, status: &str, issued: Option<i64>, value: Value) -> Self {
        let mut observation = json!({ "resourceType": "Observation", "status": status,
            "code": { "text": "SpO2" }, "subject": { "reference": "#Patient" } });
        for (element, value) in value.as_object().unwrap() {
            observation[element.as_str()] = value.clone();
        }
        if let Some(minute) = issued {
            observation["issued"] = json!(at(minute).to_string());
        }
        self.stating(draft("Observation", Some(key), observation))
    }
}

/// What stands after a story, for comparing: heads without counters, live resources without `meta`.
pub type Snapshot = (Vec<Value>, BTreeMap<String, Value>);

#[derive(Default)]
pub struct World {
    index: BTreeMap<Identifier, PersonId>,
    heads: BTreeMap<PersonId, Head>,
    pub resources: BTreeMap<(String, ResourceId), Stored>,
    pub problems: Vec<Problem>,
    pub notes: Vec<String>,
}

impl World {
    pub fn after(story: &[Message]) -> Self {
        let mut world = Self::default();
        story.iter().for_each(|message| world.play(message));
        world
    }

    fn follow(&self, identifier: &Identifier) -> Option<PersonId> {
        let mut person = *self.index.get(identifier)?;
        while let Some(next) = self.heads.get(&person).and_then(|head| head.merged_into) {
            person = next;
        }
        Some(person)
    }

    fn load(&self, person: PersonId) -> Record {
        let head = self.heads.get(&person).cloned().unwrap_or_else(|| Head::new(person));
        let family: Vec<PersonId> = head.family().collect();
        let own = self.resources.iter().filter(|((_, id), _)| family.contains(&id.person));
        let resources = own.map(|(key, stored)| (key.clone(), stored.clone())).collect();
        Record { head, resources, truncated: false }
    }

    pub fn play(&mut self, message: &Message) {
        let found = candidates(&message.patient.resource, &["urn:mrn".to_string()]).unwrap();
        let known: Vec<_> = found.iter().map(|identifier| self.follow(identifier)).collect();
        let chosen = choose_person(&found, &known);
        let record = self.load(chosen.person);
        let mut drafts = vec![message.patient.clone()];
        drafts.extend(message.drafts.clone());
        let (drafts, problems) = assign(drafts, record.head.origin_of(&found));
        assert_eq!(problems, [], "the stories' drafts refer to each other");
        assert!(touched(&record.head, &drafts).len() >= drafts.len());
        let statement = Statement {
            stamp: Stamp::new(at(message.minute), at(message.minute), format!("riverside/{}", message.control)),
            trigger: message.trigger.to_string(),
            drafts,
            events: BTreeMap::new(),
            candidates: chosen.identifiers,
            received: at(100_000),
        };
        let merged = match message.prior {
            None => merge(&record, statement),
            Some(mrn) => {
                let prior = Identifier::new("urn:mrn", mrn);
                let person = self.follow(&prior).unwrap_or_else(|| PersonId::of(&prior));
                merge_patients(&record, &self.load(person), &[prior], statement)
            }
        };
        self.keep(merged);
    }

    fn keep(&mut self, merged: Merged) {
        for head in std::iter::once(merged.head).chain(merged.prior) {
            assert_eq!(head.revision, self.heads.get(&head.person).map_or(0, |old| old.revision) + 1);
            self.heads.insert(head.person, head);
        }
        for change in merged.changes {
            let key = (change.stored.resource.resource_type().to_string(), change.stored.id);
            assert_eq!(change.replaces, self.resources.get(&key).map_or(0, |old| old.version));
            let version = change.stored.resource.get("meta").and_then(|meta| meta.get("versionId")).cloned();
            assert_eq!(version, Some(json!(change.stored.version.to_string())));
            self.resources.insert(key, change.stored);
        }
        self.index.extend(merged.identifiers);
        self.problems.extend(merged.problems);
        self.notes.extend(merged.notes.into_iter().map(|(_, note)| note));
    }

    pub fn snapshot(&self) -> Snapshot {
        let heads = self.heads.values().map(|head| {
            let bare = Head { revision: 0, ..head.clone() };
            serde_json::to_value(bare).unwrap()
        });
        let live = self.resources.iter().filter(|(_, stored)| stored.state.superseded.is_none());
        let resources = live.map(|((kind, id), stored)| {
            let mut resource = stored.resource.clone();
            resource.remove("meta");
            (format!("{kind}/{id}"), Value::from(resource))
        });
        (heads.collect(), resources.collect())
    }

    /// The only live resource of a type.
    pub fn only(&self, kind: &str) -> &Resource {
        let mut all = self.all(kind);
        let one = all.pop().unwrap();
        assert!(all.is_empty(), "more than one {kind}");
        one
    }

    pub fn all(&self, kind: &str) -> Vec<&Resource> {
        let live =
            self.resources.iter().filter(|((known, _), stored)| known == kind && stored.state.superseded.is_none());
        live.map(|(_, stored)| &stored.resource).collect()
    }

    pub fn patient(&self, mrn: &str) -> &Resource {
        let id = ResourceId::patient(PersonId::of(&Identifier::new("urn:mrn", mrn)));
        &self.resources[&("Patient".to_string(), id)].resource
    }
}
