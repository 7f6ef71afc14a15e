//! What is due about one patient as one transaction: what goes along, what each entry's answer means, and what a refused one leads to.

use std::path::Path;
use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::own_keys::own_keys_for_tests;
use super::plain_ehr::{PlainEhr, Ways};
use super::worker::Worker;
use crate::agreement::{Names, compile};
use crate::clock::{Clock, ManualClock};
use crate::fhir::Identifier;
use crate::identity::PersonId;
use crate::pipeline::Gateway;
use crate::site::Site;
use crate::store::{Delivery, DeliveryState, EngineChoice, NewDelivery, StoreSettings, WriteUnit, open};
use crate::yaml::Source;

struct Trial {
    gateway: Arc<Gateway>,
    worker: Arc<Worker>,
    clock: Arc<ManualClock>,
    ehr: PlainEhr,
}

impl Trial {
    fn new(ways: Ways) -> Self {
        Self::agreed(ways, "transaction: true")
    }

    /// With this said by the agreement.
    fn agreed(ways: Ways, said: &str) -> Self {
        let ehr = PlainEhr::start(ways);
        let clock = Arc::new(ManualClock::at("2026-03-02T10:00:00Z".parse().unwrap()));
        let settings = StoreSettings { engine: EngineChoice::Memory, path: "unused".into() };
        let mut site = Site::bare(Path::new("/"));
        site.partners.insert("practice".into(), ehr.partner());
        let text = format!(
            "agreement: a\npartner: practice\npurpose: [TREAT]\npatients: {{ all: true }}\n{said}\n\
             receives: [{{ resource: Task, push: immediate }}, {{ resource: Flag, push: immediate }}]\n"
        );
        let names = Names { partners: None, panels: None, value_sets: site.value_sets.clone() };
        let (agreements, problems) = compile(&[Source::new("agreements/a.yaml", text)], &names);
        assert_eq!(problems, []);
        site.agreements = agreements;
        let gateway = Arc::new(Gateway::new(open(&settings).unwrap(), site, clock.clone()));
        let worker = Worker::new(gateway.clone(), own_keys_for_tests());
        Self { gateway, worker, clock, ehr }
    }

    /// Something new about each of these things of one patient, in this order.
    async fn tell(&self, first: u64, told: &[(&str, &str, &str)]) {
        let now = self.clock.now();
        let person = PersonId::of(&Identifier::new("urn:mrn", "1"));
        let made = |(number, (kind, id, description)): (u64, &(&str, &str, &str))| NewDelivery {
            id: format!("d{number}"),
            partner: "practice".into(),
            person,
            number,
            subject: format!("{kind}/{id}/_history/{number}"),
            agreement: "agreements/a.yaml:6".into(),
            payload: json!({ "resourceType": kind, "description": description, "id": id,
                "partOf": [{ "identifier": { "system": "https://g.example/id/task", "value": "a" } }],
                "identifier": [{ "system": format!("https://g.example/id/{}", kind.to_lowercase()), "value": id }] }),
            created: now,
            due: now,
            message: None,
            ending: false,
            urgent: false,
        };
        let deliveries = (first..).zip(told).map(made).collect();
        self.gateway.store.commit(WriteUnit { deliveries, ..WriteUnit::default() }).await.unwrap();
    }

    async fn deliver(&self) {
        while self.worker.deliver_due().await.unwrap() > 0 {}
    }

    async fn got(&self, number: u64) -> Delivery {
        self.gateway.store.delivery(&format!("d{number}")).await.unwrap().unwrap()
    }

    async fn states(&self, count: u64) -> Vec<DeliveryState> {
        let mut states = Vec::new();
        for number in 1..=count {
            states.push(self.got(number).await.state);
        }
        states
    }

    fn transactions(&self) -> Vec<Vec<String>> {
        let of = |bundle: &Value| {
            let entries = bundle["entry"].as_array().unwrap().iter();
            entries.map(|entry| entry["resource"]["description"].as_str().unwrap().to_string()).collect()
        };
        self.ehr.ways().transactions.iter().map(of).collect()
    }
}

fn able() -> Ways {
    Ways { knows_transactions: true, knows_conditional_update: true, ..Ways::default() }
}

#[tokio::test]
async fn what_is_due_about_a_patient_goes_at_once_in_order_and_each_entry_is_settled() {
    let trial = Trial::new(able());
    trial.tell(1, &[("Task", "b", "1"), ("Task", "a", "2"), ("Flag", "a", "3"), ("Task", "b", "4")]).await;
    trial.deliver().await;
    // One thing stands in a transaction once only.
    assert_eq!(trial.transactions(), [vec!["1", "2", "3"]]);
    assert_eq!(trial.ehr.seen(), ["POST ", "PUT Task if W/\"1\""]);
    assert_eq!(trial.states(4).await, [DeliveryState::Delivered; 4]);
    let last = trial.got(3).await.attempts.pop().unwrap();
    assert_eq!((last.result.as_str(), last.etag.as_deref()), ("in a transaction of 3: 201 Created", Some("W/\"1\"")));
    assert!(last.together && last.sent);
    let bundle = trial.ehr.ways().transactions.remove(0);
    let [first, second, _] = &bundle["entry"].as_array().unwrap()[..] else { panic!("three") };
    assert_eq!(first["request"]["url"], "Task?identifier=https%3A%2F%2Fg.example%2Fid%2Ftask%7Cb");
    assert_eq!(first["resource"]["partOf"][0]["reference"], second["fullUrl"]);
    assert_eq!(first["resource"].get("id"), None);
    // The versions that it named go with the next.
    trial.tell(5, &[("Task", "a", "5"), ("Flag", "a", "6")]).await;
    trial.deliver().await;
    let bundle = trial.ehr.ways().transactions.remove(0);
    assert_eq!(bundle["entry"][0]["request"]["ifMatch"], "W/\"1\"");
    assert_eq!(trial.states(6).await, [DeliveryState::Delivered; 6]);
}

#[tokio::test]
async fn one_that_is_refused_is_named_and_keeps_nothing_else_back() {
    let trial = Trial::new(able());
    trial.ehr.ways().answers = vec![];
    trial.tell(1, &[("Task", "a", "1"), ("Flag", "a", "poison"), ("Task", "c", "3")]).await;
    trial.ehr.ways().refuses_poison = true;
    trial.deliver().await;
    assert_eq!(trial.states(3).await, [DeliveryState::Delivered, DeliveryState::Dead, DeliveryState::Delivered]);
    assert_eq!(trial.ehr.seen(), ["POST ", "PUT Task", "PUT Flag", "PUT Task"], "one transaction, then each by itself");
    let told = trial.got(3).await.attempts[0].result.clone();
    assert!(told.starts_with("in a transaction of 3: 422") && told.ends_with("; it names entry 2 (Flag)"), "{told}");
    // What comes after them goes together again.
    trial.tell(4, &[("Task", "d", "4"), ("Task", "e", "5")]).await;
    trial.deliver().await;
    assert_eq!(trial.transactions().last().unwrap(), &["4", "5"]);
}

#[tokio::test]
async fn a_server_that_fails_is_tried_again_with_all_and_after_three_times_each_by_itself() {
    let trial = Trial::new(able());
    trial.ehr.ways().answers = vec![500, 503, 500];
    trial.tell(1, &[("Task", "a", "1"), ("Task", "b", "2")]).await;
    for _ in 0..6 {
        trial.deliver().await;
        trial.clock.advance(SignedDuration::from_mins(1));
    }
    assert_eq!(trial.transactions(), [["1", "2"], ["1", "2"], ["1", "2"]]);
    assert_eq!(trial.states(2).await, [DeliveryState::Delivered; 2]);
    assert_eq!(trial.ehr.seen()[3..], ["PUT Task".to_string(), "PUT Task".to_string()]);
}

#[tokio::test]
async fn a_server_without_transactions_is_sent_each_by_itself_and_asked_no_more() {
    let trial = Trial::new(Ways { knows_transactions: false, ..able() });
    trial.tell(1, &[("Task", "a", "1"), ("Task", "b", "2")]).await;
    trial.deliver().await;
    trial.tell(3, &[("Task", "c", "3"), ("Task", "d", "4")]).await;
    trial.deliver().await;
    assert_eq!(trial.ehr.seen(), ["POST ", "PUT Task", "PUT Task", "PUT Task", "PUT Task"]);
    assert_eq!(trial.states(4).await, [DeliveryState::Delivered; 4]);
}

#[tokio::test]
async fn of_versions_that_wait_only_the_newest_goes_where_the_agreement_says_so() {
    let told = [("Task", "a", "1"), ("Task", "b", "2"), ("Task", "a", "3"), ("Flag", "a", "4"), ("Task", "a", "5")];
    let trial = Trial::agreed(Ways { knows_conditional_update: true, ..Ways::default() }, "coalesce: true");
    trial.tell(1, &told).await;
    trial.deliver().await;
    let (over, sent) = (DeliveryState::Superseded, DeliveryState::Delivered);
    assert_eq!(trial.states(5).await, [over, sent, over, sent, sent]);
    assert_eq!(trial.ehr.seen(), ["PUT Task", "PUT Flag", "PUT Task"]);
    let first = trial.got(1).await;
    assert_eq!(first.attempts[0].result, "superseded: a newer version of it waits as no. 5 and goes instead");
    assert!(!first.was_sent());
    // Without the word every version goes.
    let trial = Trial::agreed(Ways { knows_conditional_update: true, ..Ways::default() }, "status: active");
    trial.tell(1, &told).await;
    trial.deliver().await;
    assert_eq!((trial.states(5).await, trial.ehr.seen().len()), (vec![sent; 5], 5));
}

#[tokio::test]
async fn what_waits_for_its_time_takes_nothing_with_it() {
    let trial = Trial::agreed(Ways { knows_conditional_update: true, ..Ways::default() }, "coalesce: true");
    trial.tell(1, &[("Task", "a", "1"), ("Task", "a", "2")]).await;
    // The newer one was put off by a person's hand or a fault: it may be long until it goes.
    let attempt = crate::store::Attempt::unsent(trial.clock.now(), "held".into());
    let later = trial.clock.now() + SignedDuration::from_mins(15);
    trial.gateway.store.finish_attempt("d2", attempt, crate::store::Outcome::Held(later)).await.unwrap();
    trial.deliver().await;
    assert_eq!(trial.states(2).await, [DeliveryState::Delivered, DeliveryState::Held]);
}
