//! What waits is decided anew when it is sent: labels, lines, panels and agreements of now.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::attempt::Attempts;
use super::lane::Lane;
use super::outside::Network;
use super::own_keys::own_keys_for_tests;
use super::stand_in::{Inside, Scripted, StandIn};
use super::worker::Worker;
use crate::agreement::{Names, compile};
use crate::clock::{Clock, ManualClock};
use crate::fhir::{Identifier, Resource};
use crate::identity::{PersonId, ResourceId};
use crate::pipeline::Gateway;
use crate::record::{Change, Head, Membership, State, Stored};
use crate::site::Site;
use crate::store::{Delivery, DeliveryState, EngineChoice, HeadWrite, NewDelivery, StoreSettings, WriteUnit, open};
use crate::yaml::Source;

const AGREEMENT: &str = "agreement: a
partner: practice
purpose: [TREAT]
patients: { panel: lakeside }
receives:
  - { resource: Task, push: immediate }
never: [R]
";

struct Trial {
    ehr: StandIn,
    gateway: Arc<Gateway>,
    worker: Arc<Worker>,
    clock: Arc<ManualClock>,
}

fn person() -> PersonId {
    PersonId::of(&Identifier::new("urn:mrn", "61"))
}

fn task() -> ResourceId {
    ResourceId::of(person(), "Task", "call")
}

/// The id of a place in the line.
fn at(number: u64) -> String {
    NewDelivery::id_of("practice", person(), number)
}

/// What tells of a version of a Task of somebody.
fn telling(person: PersonId, number: u64, version: u64, ending: bool, now: Timestamp) -> NewDelivery {
    NewDelivery {
        id: NewDelivery::id_of("practice", person, number),
        partner: "practice".into(),
        person,
        number,
        subject: format!("Task/{}/_history/{version}", task()),
        agreement: "agreements/a.yaml:6".into(),
        payload: json!({ "resourceType": "Task", "status": "requested", "intent": "order",
            "description": "After detoxification.", "reasonCode": { "text": "detoxification" },
            "identifier": [{ "system": "https://gateway.example/id/task", "value": "7" }] }),
        created: now,
        due: now,
        message: None,
        ending,
        urgent: false,
    }
}

fn site(ehr: &StandIn, agreement: &str) -> Site {
    let mut site = Site::bare(Path::new("/"));
    site.partners.insert("practice".into(), ehr.partner());
    let names = Names { partners: None, panels: None, value_sets: site.value_sets.clone() };
    let (agreements, problems) = compile(&[Source::new("agreements/a.yaml", agreement)], &names);
    assert_eq!(problems, []);
    site.agreements = agreements;
    site
}

impl Trial {
    /// A patient on the panel, a Task of hers, and its delivery, which waits.
    async fn waiting(ending: bool) -> Self {
        let ehr = StandIn::start(Inside::default());
        let clock = Arc::new(ManualClock::at("2026-03-02T10:00:00Z".parse().unwrap()));
        let settings = StoreSettings { engine: EngineChoice::Memory, path: "unused".into() };
        let gateway = Arc::new(Gateway::new(open(&settings).unwrap(), site(&ehr, AGREEMENT), clock.clone()));
        let worker = Worker::new(gateway.clone(), own_keys_for_tests());
        let trial = Self { ehr, gateway, worker, clock };
        trial.enrol(&[Identifier::new("urn:mrn", "61")]).await;
        let now = trial.clock.now();
        let number = Identifier::new("urn:mrn", "61");
        let deliveries = [("practice".to_string(), 1)].into();
        let head = Head { revision: 1, identifiers: vec![number.clone()], deliveries, ..Head::new(person()) };
        let delivery = telling(person(), 1, 1, ending, now);
        let unit = WriteUnit {
            heads: vec![HeadWrite { head, replaces: 0 }],
            changes: vec![trial.version(1, json!([]))],
            deliveries: vec![delivery],
            identifiers: vec![(number, person())],
            ..WriteUnit::default()
        };
        trial.gateway.store.commit(unit).await.unwrap();
        trial
    }

    fn version(&self, version: u64, security: Value) -> Change {
        let resource = json!({ "resourceType": "Task", "id": task().to_string(), "status": "requested", "intent": "order",
            "meta": { "versionId": version.to_string(), "security": security }, "description": "After detoxification.",
            "reasonCode": { "text": "detoxification" }, "note": [{ "text": "detoxification" }] });
        let resource = Resource::try_from(resource).unwrap();
        let stored = Stored { id: task(), version, updated: self.clock.now(), resource, state: State::default() };
        Change { stored, replaces: version - 1 }
    }

    /// The Task is found to be restricted while its delivery waits.
    async fn label(&self) {
        let unit = WriteUnit { changes: vec![self.version(2, json!([{ "code": "R" }]))], ..WriteUnit::default() };
        self.gateway.store.commit(unit).await.unwrap();
    }

    /// One more delivery of the Task, behind those there are.
    async fn queue(&self, version: u64, ending: bool) {
        let mut head = self.gateway.store.head(person()).await.unwrap().unwrap();
        let (number, replaces) = (head.deliveries["practice"] + 1, head.revision);
        head.deliveries.insert("practice".into(), number);
        head.revision += 1;
        let deliveries = vec![telling(person(), number, version, ending, self.clock.now())];
        let unit = WriteUnit { heads: vec![HeadWrite { head, replaces }], deliveries, ..WriteUnit::default() };
        self.gateway.store.commit(unit).await.unwrap();
    }

    async fn enrol(&self, identifiers: &[Identifier]) {
        let members = identifiers.iter().map(|one| Membership::new("lakeside", vec![one.clone()])).collect();
        self.gateway.store.replace_panel("lakeside", members, self.clock.now()).await.unwrap();
    }

    fn agree(&self, agreement: &str) {
        self.gateway.site.store(Arc::new(site(&self.ehr, agreement)));
    }

    async fn deliver(&self) -> Delivery {
        self.deliver_to(1).await
    }

    /// Delivers what is due, and returns what stands at this place of the line.
    async fn deliver_to(&self, number: u64) -> Delivery {
        while self.worker.deliver_due().await.unwrap() > 0 {}
        self.gateway.store.delivery(&at(number)).await.unwrap().unwrap()
    }

    async fn retry(&self, number: u64) {
        assert!(self.gateway.store.retry_delivery(&at(number), self.clock.now()).await.unwrap());
    }

    /// What the audit has of the delivery, newest first: whether it was allowed, and why.
    async fn audit(&self) -> Vec<(bool, String)> {
        let page = self.gateway.store.audit(Some(person()), None, 10).await.unwrap();
        page.items.into_iter().map(|entry| (entry.allowed, entry.because)).collect()
    }
}

fn last(delivery: &Delivery) -> &str {
    &delivery.attempts.last().unwrap().result
}

#[tokio::test]
async fn what_was_labelled_while_it_waited_is_withdrawn_and_says_so() {
    let trial = Trial::waiting(false).await;
    trial.label().await;
    let delivery = trial.deliver().await;
    assert_eq!((delivery.state, delivery.tries), (DeliveryState::Withdrawn, 0));
    assert_eq!(last(&delivery), "withdrawn: a label keeps it back by now");
    assert!(trial.ehr.seen().is_empty());
    let audit = trial.audit().await;
    assert!(matches!(audit.as_slice(), [(false, because)] if because.contains("labelled R")), "{audit:?}");
}

#[tokio::test]
async fn a_narrower_line_shortens_what_waits_and_the_history_says_what_was_sent() {
    let trial = Trial::waiting(false).await;
    trial.agree(&AGREEMENT.replace("immediate }", "immediate, without: [description, reasonCode] }"));
    let delivery = trial.deliver().await;
    assert_eq!(delivery.state, DeliveryState::Delivered);
    let results: Vec<&str> = delivery.attempts.iter().map(|attempt| attempt.result.as_str()).collect();
    assert_eq!(results, ["shortened: the partner may have it without description, reasonCode by now", "201 Created"]);
    assert_eq!(delivery.tries, 1, "shortening is no attempt");
    let sent = &trial.ehr.seen()[0].body;
    assert!(!sent.to_string().contains("detox"), "{sent}");
    assert!(!delivery.new.payload.to_string().contains("detox"), "what is kept is what was sent");
    assert!(trial.audit().await[0].1.contains("shortened"));
}

#[tokio::test]
async fn a_label_and_a_stated_form_let_it_go_without_its_reason() {
    let trial = Trial::waiting(false).await;
    trial.agree(&AGREEMENT.replace("immediate }", "immediate, without-reason: Call the patient }"));
    trial.label().await;
    assert_eq!(trial.deliver().await.state, DeliveryState::Delivered);
    let sent = &trial.ehr.seen()[0].body;
    assert_eq!((&sent["description"], &sent["code"]["text"]), (&json!("Call the patient"), &json!("Call the patient")));
    assert!(!sent.to_string().contains("detox"), "{sent}");
}

#[tokio::test]
async fn who_left_the_panel_is_told_of_no_more_and_what_ends_a_copy_still_goes() {
    let trial = Trial::waiting(false).await;
    trial.enrol(&[]).await;
    let delivery = trial.deliver().await;
    assert_eq!(last(&delivery), "withdrawn: the patient is not on the panel lakeside");
    assert!(trial.ehr.seen().is_empty());
    let trial = Trial::waiting(true).await;
    trial.enrol(&[]).await;
    assert_eq!(trial.deliver().await.state, DeliveryState::Delivered);
    assert_eq!(trial.ehr.seen().len(), 1);
}

#[tokio::test]
async fn a_wider_right_adds_nothing_and_what_was_withdrawn_comes_back_when_it_is_allowed_again() {
    let trial = Trial::waiting(false).await;
    trial.agree(&AGREEMENT.replace("Task", "Flag"));
    let withdrawn = trial.deliver().await;
    assert_eq!(withdrawn.state, DeliveryState::Withdrawn);
    trial.agree(&AGREEMENT.replace("never: [R]\n", ""));
    trial.clock.advance(SignedDuration::from_hours(1));
    trial.retry(1).await;
    assert_eq!(trial.deliver().await.state, DeliveryState::Delivered);
    let sent = &trial.ehr.seen()[0].body;
    assert_eq!(sent.get("note"), None, "the note was not in it when it was made");
}

#[tokio::test]
async fn without_any_agreement_it_waits_for_one() {
    let trial = Trial::waiting(false).await;
    trial.agree(&AGREEMENT.replace("partner: practice", "partner: another"));
    let held = trial.deliver().await;
    assert_eq!((held.state, last(&held)), (DeliveryState::Held, "held: there is no agreement with practice"));
    assert!(trial.audit().await.is_empty(), "nothing was decided");
}

#[tokio::test]
async fn what_comes_back_is_not_laid_over_what_was_delivered_since() {
    let trial = Trial::waiting(false).await;
    trial.agree(&AGREEMENT.replace("Task", "Flag"));
    assert_eq!(trial.deliver().await.state, DeliveryState::Withdrawn);
    trial.agree(AGREEMENT);
    trial.queue(2, false).await;
    trial.queue(3, false).await;
    assert_eq!(trial.deliver_to(3).await.state, DeliveryState::Delivered);
    trial.retry(1).await;
    let overtaken = trial.deliver().await;
    assert_eq!(last(&overtaken), "superseded: the partner has something newer about it");
    assert_eq!((overtaken.state, trial.ehr.seen().len()), (DeliveryState::Superseded, 2));
    assert!(!trial.gateway.store.retry_delivery(&at(1), trial.clock.now()).await.unwrap());
}

#[tokio::test]
async fn what_was_given_up_comes_back_while_nothing_newer_was_delivered() {
    let trial = Trial::waiting(false).await;
    trial.ehr.script([Scripted::status(422), Scripted::status(503)]);
    trial.queue(2, false).await;
    assert_eq!(trial.deliver().await.state, DeliveryState::Dead);
    trial.retry(1).await;
    assert_eq!(trial.deliver().await.state, DeliveryState::Delivered);
}

#[tokio::test]
async fn what_never_went_out_needs_no_end_and_what_may_have_does() {
    let trial = Trial::waiting(false).await;
    trial.agree(&AGREEMENT.replace("Task", "Flag"));
    trial.deliver().await;
    trial.queue(1, true).await;
    let ending = trial.deliver_to(2).await;
    assert_eq!(last(&ending), "withdrawn: the partner was never sent what this ends");
    assert!(trial.ehr.seen().is_empty());

    let trial = Trial::waiting(false).await;
    trial.ehr.script([Scripted::status(503)]);
    assert_eq!(trial.deliver().await.state, DeliveryState::Waiting);
    trial.agree(&AGREEMENT.replace("Task", "Flag"));
    trial.clock.advance(SignedDuration::from_mins(1));
    assert_eq!(trial.deliver().await.state, DeliveryState::Withdrawn);
    trial.queue(1, true).await;
    assert_eq!(
        trial.deliver_to(2).await.state,
        DeliveryState::Delivered,
        "a partner that answers 503 may have taken it"
    );
}

/// Another person whose record this one took over, as that one's Patient.
async fn absorb(trial: &Trial, patient: Value) {
    let gone = PersonId::of(&Identifier::new("urn:mrn", "62"));
    let id = ResourceId::patient(gone);
    let mut resource = Resource::try_from(patient).unwrap();
    resource.set("id", json!(id.to_string()));
    let stored = Stored { id, version: 1, updated: trial.clock.now(), resource, state: State::default() };
    let mut head = trial.gateway.store.head(person()).await.unwrap().unwrap();
    let replaces = head.revision;
    head.revision += 1;
    head.absorbed.push(gone);
    let changes = vec![Change { stored, replaces: 0 }];
    let unit = WriteUnit { heads: vec![HeadWrite { head, replaces }], changes, ..WriteUnit::default() };
    trial.gateway.store.commit(unit).await.unwrap();
}

#[tokio::test]
async fn a_patient_is_on_a_panel_by_what_any_of_their_records_states() {
    let trial = Trial::waiting(false).await;
    let member = Identifier::new("https://lakeside.example/member", "L-1");
    trial.enrol(std::slice::from_ref(&member)).await;
    absorb(&trial, json!({ "resourceType": "Patient", "identifier": [member.to_json()] })).await;
    assert_eq!(trial.deliver().await.state, DeliveryState::Delivered);
}

#[tokio::test]
async fn what_a_protected_patient_has_waits_for_no_label_of_its_own() {
    let trial = Trial::waiting(false).await;
    let own = json!({ "system": "https://handover.health/CodeSystem/label", "code": "said-by-sender" });
    let restricted = json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R" });
    absorb(&trial, json!({ "resourceType": "Patient", "meta": { "security": [own, restricted] } })).await;
    let delivery = trial.deliver().await;
    assert_eq!(last(&delivery), "withdrawn: a label keeps it back by now");
    assert!(trial.ehr.seen().is_empty());
}

#[tokio::test]
async fn what_waits_for_its_turn_is_decided_when_it_has_it() {
    let trial = Trial::waiting(false).await;
    let lane = Arc::new(Lane::new(2, 1));
    assert_eq!(lane.enter().turn(trial.clock.steady()), Duration::ZERO);
    let delivery = trial.gateway.store.delivery(&at(1)).await.unwrap().unwrap();
    let attempts = Attempts::new(trial.gateway.clone(), own_keys_for_tests(), Box::new(Network::default()));
    let attempts = Arc::new(attempts);
    let number = attempts.begin(&delivery, trial.clock.steady() + Duration::from_secs(60));
    let (site, place) = (trial.gateway.site.load_full(), lane.enter());
    let running = tokio::spawn(async move { attempts.run(&site, &delivery, Some(place), number).await });
    tokio::task::yield_now().await;
    trial.enrol(&[]).await;
    running.await.unwrap();
    assert!(trial.ehr.seen().is_empty(), "the patient left the panel while it waited");
    let state = trial.gateway.store.delivery(&at(1)).await.unwrap().unwrap().state;
    assert_eq!(state, DeliveryState::Withdrawn);
    assert_eq!(lane.room(Duration::from_secs(1)).places, 1, "its turn is there for another");
}

#[tokio::test]
async fn what_is_of_a_protected_visit_waits_for_no_label_of_its_own() {
    let trial = Trial::waiting(false).await;
    trial.deliver().await;
    let (visit, reading) = (ResourceId::of(person(), "Encounter", "v"), ResourceId::of(person(), "Observation", "o"));
    let encounter = json!({ "resourceType": "Encounter", "id": visit.to_string(), "meta": { "security": [
        { "system": "https://handover.health/CodeSystem/label", "code": "said-by-sender" },
        { "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R" }] } });
    let observation = json!({ "resourceType": "Observation", "id": reading.to_string(),
        "encounter": { "reference": format!("Encounter/{visit}") } });
    let changes = [(visit, encounter), (reading, observation)].map(|(id, resource)| {
        let resource = Resource::try_from(resource).unwrap();
        let stored = Stored { id, version: 1, updated: trial.clock.now(), resource, state: State::default() };
        Change { stored, replaces: 0 }
    });
    let mut delivery = telling(person(), 2, 1, false, trial.clock.now());
    delivery.subject = format!("Observation/{reading}/_history/1");
    delivery.payload["resourceType"] = json!("Observation");
    let unit = WriteUnit { changes: changes.to_vec(), deliveries: vec![delivery], ..WriteUnit::default() };
    trial.gateway.store.commit(unit).await.unwrap();
    trial.agree(&AGREEMENT.replace("Task", "Observation"));
    assert_eq!(last(&trial.deliver_to(2).await), "withdrawn: a label keeps it back by now");
    assert_eq!(trial.ehr.seen().len(), 1);
}
