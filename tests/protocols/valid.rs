//! What the shipped protocols make is valid FHIR R4: every Task, Flag, CarePlan, Provenance and definition that a long
//! story leaves behind passes the validator.

use std::collections::BTreeMap;

use handover::fhir::{Identifier, Resource};
use handover::identity::{PersonId, ResourceId};
use handover::profile::validate;
use handover::protocol::{Action, Practice, ProtocolSet, View};
use handover::record::squash;
use handover::record::{Change, Membership, Record, State, Stored};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

struct Clinic {
    set: ProtocolSet,
    record: Record,
    practices: BTreeMap<String, Practice>,
    memberships: Vec<Membership>,
    now: Timestamp,
    written: Vec<Resource>,
}

impl Clinic {
    fn new() -> Self {
        let identifier = Identifier::new("urn:oid:1.2.3", "4711");
        let practice = Practice {
            name: "lakeside".into(),
            title: "Lakeside Family Practice".into(),
            identifier: Some(Identifier::new("http://hl7.org/fhir/sid/us-npi", "1234567893")),
            zone: TimeZone::get("America/Chicago").unwrap(),
            calendar: Some("us-federal".into()),
            roles: BTreeMap::from([("coach".to_string(), "Sam Reed".to_string())]),
        };
        let membership = Membership {
            panel: "lakeside".into(),
            identifiers: vec![identifier.clone()],
            practitioner: Some("Dr. Ada Young".into()),
            care_manager: Some("Maria Lopez".into()),
            language: None,
            phone: None,
        };
        Self {
            set: ProtocolSet::built_in(),
            record: Record::new(PersonId::of(&identifier)),
            practices: BTreeMap::from([("lakeside".into(), practice)]),
            memberships: vec![membership],
            now: "2026-03-02T16:00:00Z".parse().unwrap(),
            written: Vec::new(),
        }
    }

    fn state(&mut self, kind: &str, key: &str, content: Value) {
        let id = ResourceId::of(self.record.head.person, kind, key);
        let mut resource = Resource::new(kind).with("id", json!(id.to_string()));
        content.as_object().unwrap().iter().for_each(|(element, value)| resource.set(element, value.clone()));
        let version = self.record.get(kind, id).map_or(1, |stored| stored.version + 1);
        let stored = Stored { id, version, updated: self.now, resource, state: State::default() };
        self.record.apply(&Change { replaces: version - 1, stored });
        self.look();
    }

    fn look(&mut self) {
        let view =
            View { record: &self.record, memberships: &self.memberships, practices: &self.practices, now: self.now };
        for change in self.set.evaluate(&view).changes {
            self.record.apply(&change);
            self.written.push(change.stored.resource);
        }
    }

    fn work(&self, kind: &str, words: &str) -> ResourceId {
        let named = |stored: &&Stored| serde_json::to_string(&stored.resource).unwrap().contains(words);
        self.record.of_type(kind).find(named).unwrap().id
    }

    fn act(&mut self, target: ResourceId, action: Action) {
        let changes = self.set.act(&self.record, target, &action, "Nurse Kim", self.now).unwrap();
        for change in squash(changes) {
            self.record.apply(&change);
            self.written.push(change.stored.resource);
        }
        self.look();
    }
}

fn coded(system: &str, code: &str) -> Value {
    json!({ "coding": [{ "system": system, "code": code }], "text": code })
}

fn encounter(status: &str, class: &str, start: &str, end: Option<&str>) -> Value {
    let mut period = json!({ "start": start });
    if let Some(end) = end {
        period["end"] = json!(end);
    }
    json!({ "status": status, "class": { "code": class }, "period": period,
        "serviceProvider": { "display": "Riverside Hospital" } })
}

/// A long story: an emergency visit, an exacerbation, readings, answers, a death.
fn played() -> Clinic {
    let mut clinic = Clinic::new();
    clinic.state("Patient", "", json!({ "name": [{ "text": "Jane <Doe> & Co" }], "birthDate": "1950-06-15" }));
    clinic.state("Condition", "copd", json!({ "code": coded("http://hl7.org/fhir/sid/icd-10-cm", "J44.1") }));
    clinic.state("Condition", "heart", json!({ "code": coded("http://hl7.org/fhir/sid/icd-10-cm", "I50.9") }));
    clinic.state("Encounter", "ed", encounter("in-progress", "EMER", "2026-03-02T10:00:00-06:00", None));
    let reading = json!({ "status": "final", "code": coded("http://loinc.org", "59408-5"),
        "effectiveDateTime": "2026-03-02T10:05:00-06:00",
        "valueQuantity": { "value": 86, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%" } });
    clinic.state("Observation", "spo2", reading);
    clinic.now = "2026-03-02T20:00:00Z".parse().unwrap();
    let left = encounter("finished", "EMER", "2026-03-02T10:00:00-06:00", Some("2026-03-02T14:00:00-06:00"));
    clinic.state("Encounter", "ed", left);
    let alert = clinic.work("Task", "measurement-alert");
    clinic.act(alert, Action::Accept);
    clinic.act(alert, Action::Note { text: "Called.".into() });
    clinic.act(alert, Action::Complete { outcome: Some("Reached; oxygen checked.".into()) });
    let offered = clinic.work("Flag", "self-management programme");
    clinic.act(offered, Action::Answer { answer: "offered".into() });
    let refused = clinic.work("Task", "copd-self-management-refer-to-programme");
    clinic.act(refused, Action::Cancel { reason: "Patient prefers later.".into() });
    let mut stay = encounter("finished", "IMP", "2026-03-02T13:00:00-06:00", Some("2026-03-02T14:30:00-06:00"));
    stay["reasonCode"] = json!([coded("http://hl7.org/fhir/sid/icd-10-cm", "J44.1")]);
    clinic.state("Encounter", "stay", stay);
    clinic.now = "2026-03-20T16:00:00Z".parse().unwrap();
    clinic.look();
    clinic.state("Patient", "", json!({ "name": [{ "text": "Jane Doe" }], "deceasedBoolean": true }));
    clinic
}

#[test]
fn everything_that_protocols_write_is_valid_r4() {
    let clinic = played();
    let kinds: Vec<&str> = clinic.written.iter().map(Resource::resource_type).collect();
    for kind in ["Task", "Flag", "CarePlan", "Provenance"] {
        assert!(kinds.contains(&kind), "the story made no {kind}");
    }
    let mut faults = Vec::new();
    for resource in clinic.written.iter().chain(&clinic.set.plan_definitions()) {
        let errors = validate(resource).into_iter().filter(handover::problem::Problem::is_error);
        faults.extend(errors.map(|problem| format!("{}: {problem}", resource.resource_type())));
    }
    faults.sort();
    faults.dedup();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn the_roster_names_the_people_who_have_the_work() {
    let clinic = played();
    let owners: Vec<String> = clinic
        .written
        .iter()
        .filter_map(|resource| Some(resource.get("owner")?.get("display")?.as_str()?.to_string()))
        .collect();
    for people in ["care manager Maria Lopez", "coach Sam Reed and clinician Dr. Ada Young"] {
        let whole = format!("Lakeside Family Practice: {people}");
        assert!(owners.contains(&whole), "{whole} is not among {owners:?}");
    }
}

#[test]
fn nothing_is_open_for_who_has_died() {
    let clinic = played();
    let open = ["requested", "accepted", "in-progress", "active"];
    for kind in ["Task", "Flag", "CarePlan"] {
        for stored in clinic.record.of_type(kind) {
            assert!(!open.contains(&stored.resource.text("status").unwrap()), "{:?}", stored.resource);
        }
    }
}
