//! The worker over a store: order, retries, dead letters, what is held, and what is given back.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::json;
use tokio::sync::watch;

use super::attempt::Attempts;
use super::outside::Network;
use super::own_keys::own_keys_for_tests;
use super::stand_in::{Inside, Scripted, StandIn};
use super::worker::Worker;
use crate::agreement::{Names, compile};
use crate::clock::{Clock, ManualClock, SystemClock};
use crate::fhir::Identifier;
use crate::identity::PersonId;
use crate::pipeline::Gateway;
use crate::site::{Partner, Site};
use crate::store::{
    DeliveryFilter, DeliveryState, Disk, EngineChoice, HeadWrite, NewDelivery, Store, StoreSettings, WriteUnit,
    failing_store, open,
};
use crate::yaml::Source;

const AGREEMENT: &str = "agreement: a
partner: practice
valid: { to: 2026-12-31 }
purpose: [TREAT]
patients: { all: true }
receives: [{ resource: Task, push: immediate }]
";

pub(super) struct Trial {
    pub gateway: Arc<Gateway>,
    pub worker: Arc<Worker>,
    pub clock: Arc<ManualClock>,
}

impl Trial {
    pub fn new(ehr: &StandIn) -> Self {
        let clock = Arc::new(ManualClock::at("2026-03-02T10:00:00Z".parse().unwrap()));
        let (gateway, worker) = start(ehr, clock.clone());
        Self { gateway, worker, clock }
    }

    pub async fn state(&self, id: &str) -> (DeliveryState, usize) {
        let delivery = self.gateway.store.delivery(id).await.unwrap().unwrap();
        (delivery.state, delivery.attempts.len())
    }

    /// Steps until nothing is due.
    pub async fn deliver_all(&self) -> usize {
        let mut count = 0;
        for _ in 0..50 {
            match self.worker.deliver_due().await.unwrap() {
                0 => return count,
                some => count += some,
            }
        }
        panic!("it does not end");
    }
}

fn start(ehr: &StandIn, clock: Arc<dyn Clock>) -> (Arc<Gateway>, Arc<Worker>) {
    let settings = StoreSettings { engine: EngineChoice::Memory, path: "unused".into() };
    start_on(open(&settings).unwrap(), ehr, clock)
}

pub(super) fn start_on(store: Arc<dyn Store>, ehr: &StandIn, clock: Arc<dyn Clock>) -> (Arc<Gateway>, Arc<Worker>) {
    let mut site = Site::bare(Path::new("/"));
    let partner = ehr.partner();
    site.partners.insert(partner.name.clone(), partner);
    let names = Names { partners: None, panels: None, value_sets: site.value_sets.clone() };
    site.agreements = compile(&[Source::new("agreements/a.yaml", AGREEMENT)], &names).0;
    let gateway = Arc::new(Gateway::new(store, site, clock));
    let worker = Worker::new(gateway.clone(), own_keys_for_tests());
    (gateway, worker)
}

fn person(number: u16) -> PersonId {
    PersonId::of(&Identifier::new("urn:mrn", number.to_string()))
}

pub(super) async fn queue(gateway: &Gateway, patient: u16, count: u64) {
    queue_for(gateway, "practice", patient, count).await;
}

/// Deliveries 1..=count of one patient, as the pipeline would commit them.
pub(super) async fn queue_for(gateway: &Gateway, partner: &str, patient: u16, count: u64) {
    let now = gateway.clock.now();
    let person = person(patient);
    let delivery = |number: u64| NewDelivery {
        id: format!("p{patient}-{number}"),
        partner: partner.into(),
        person,
        number,
        subject: format!("Task/{patient}-{number}/_history/1"),
        agreement: "agreements/a.yaml:6".into(),
        payload: json!({ "resourceType": "Task", "description": format!("{patient}-{number}"),
            "identifier": [{ "system": "https://gateway.example/id/task", "value": format!("{patient}") }] }),
        created: now,
        due: now,
        message: None,
        ending: false,
        urgent: false,
    };
    let head = crate::record::Head { revision: 1, ..crate::record::Head::new(person) };
    let unit = WriteUnit {
        heads: vec![HeadWrite { head, replaces: 0 }],
        deliveries: (1..=count).map(delivery).collect(),
        ..WriteUnit::default()
    };
    gateway.store.commit(unit).await.unwrap();
}

pub(super) fn sent(ehr: &StandIn) -> Vec<String> {
    ehr.seen().iter().map(|seen| seen.body["description"].as_str().unwrap().to_string()).collect()
}

#[tokio::test]
async fn deliveries_of_one_patient_go_in_order_even_when_the_first_fails() {
    let ehr = StandIn::start(Inside::default());
    let trial = Trial::new(&ehr);
    queue(&trial.gateway, 1, 3).await;
    ehr.script([Scripted::status(503)]);
    assert_eq!(trial.deliver_all().await, 1);
    assert_eq!(trial.state("p1-1").await, (DeliveryState::Waiting, 1));
    trial.clock.advance(SignedDuration::from_secs(3));
    assert_eq!(trial.deliver_all().await, 3);
    assert_eq!(sent(&ehr), ["1-1", "1-1", "1-2", "1-3"]);
    for id in ["p1-1", "p1-2", "p1-3"] {
        assert_eq!(trial.state(id).await.0, DeliveryState::Delivered);
    }
}

#[tokio::test]
async fn one_patients_dead_letter_stops_neither_the_line_behind_it_nor_others() {
    let ehr = StandIn::start(Inside::default());
    let trial = Trial::new(&ehr);
    queue(&trial.gateway, 1, 2).await;
    ehr.script([Scripted::status(422)]);
    trial.deliver_all().await;
    queue(&trial.gateway, 2, 1).await;
    trial.deliver_all().await;
    assert_eq!(trial.state("p1-1").await, (DeliveryState::Dead, 1));
    assert_eq!(trial.state("p1-2").await.0, DeliveryState::Delivered);
    assert_eq!(trial.state("p2-1").await.0, DeliveryState::Delivered);
    assert!(trial.gateway.store.retry_delivery("p1-1", trial.clock.now()).await.unwrap());
    trial.deliver_all().await;
    assert_eq!(trial.state("p1-1").await.0, DeliveryState::Delivered);
}

#[tokio::test]
async fn what_a_partner_asks_for_in_retry_after_is_waited_for() {
    let ehr = StandIn::start(Inside::default());
    let trial = Trial::new(&ehr);
    queue(&trial.gateway, 1, 1).await;
    queue(&trial.gateway, 2, 1).await;
    let busy = Scripted { headers: vec![("Retry-After", "60".into())], ..Scripted::status(429) };
    ehr.script([busy.clone(), busy]);
    trial.deliver_all().await;
    let before = ehr.seen().len();
    trial.clock.advance(SignedDuration::from_secs(59));
    trial.deliver_all().await;
    assert_eq!(ehr.seen().len(), before, "nothing is sent before the time is over");
    trial.clock.advance(SignedDuration::from_secs(2));
    trial.deliver_all().await;
    assert_eq!(trial.state("p1-1").await.0, DeliveryState::Delivered);
    assert_eq!(trial.state("p2-1").await.0, DeliveryState::Delivered);
}

#[tokio::test]
async fn it_is_given_up_after_the_partners_hours_and_not_before() {
    let ehr = StandIn::start(Inside::default());
    let trial = Trial::new(&ehr);
    queue(&trial.gateway, 1, 1).await;
    ehr.script(std::iter::repeat_n(Scripted::status(500), 2000));
    for _ in 0..71 * 4 {
        trial.deliver_all().await;
        trial.clock.advance(SignedDuration::from_mins(15));
    }
    assert_eq!(trial.state("p1-1").await.0, DeliveryState::Waiting);
    for _ in 0..8 {
        trial.clock.advance(SignedDuration::from_mins(15));
        trial.deliver_all().await;
    }
    assert_eq!(trial.state("p1-1").await.0, DeliveryState::Dead);
}

#[tokio::test]
async fn an_agreement_that_has_ended_holds_and_its_renewal_lets_go() {
    let ehr = StandIn::start(Inside::default());
    let trial = Trial::new(&ehr);
    queue(&trial.gateway, 1, 1).await;
    trial.clock.advance(SignedDuration::from_hours(24 * 365));
    trial.deliver_all().await;
    let held = trial.gateway.store.delivery("p1-1").await.unwrap().unwrap();
    assert_eq!((held.state, held.tries), (DeliveryState::Held, 0), "holding is no attempt");
    assert!(held.attempts[0].result.contains("ended on 2026-12-31"), "{:?}", held.attempts);
    assert!(ehr.seen().is_empty());

    let mut site = Site::bare(Path::new("/"));
    site.partners.insert("practice".into(), ehr.partner());
    let names = Names { partners: None, panels: None, value_sets: site.value_sets.clone() };
    let renewed = AGREEMENT.replace("2026-12-31", "2029-12-31");
    site.agreements = compile(&[Source::new("agreements/a.yaml", renewed)], &names).0;
    trial.gateway.site.store(Arc::new(site));
    trial.clock.advance(SignedDuration::from_mins(16));
    trial.deliver_all().await;
    assert_eq!(trial.state("p1-1").await.0, DeliveryState::Delivered);
}

#[tokio::test]
async fn the_loop_delivers_when_the_bell_rings_and_drains_when_told_to_stop() {
    let ehr = StandIn::start(Inside::default());
    let (gateway, worker) = start(&ehr, Arc::new(SystemClock));
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(worker.run(stopped));
    for patient in 1..=9 {
        queue(&gateway, patient, 2).await;
    }
    gateway.delivery_bell.notify_one();
    let filter = DeliveryFilter { state: Some(DeliveryState::Delivered), ..DeliveryFilter::default() };
    for _ in 0..200 {
        if gateway.store.deliveries(&filter, None, 50).await.unwrap().items.len() == 18 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(gateway.store.deliveries(&filter, None, 50).await.unwrap().items.len(), 18);

    ehr.script([Scripted { delay: Duration::from_millis(300), ..Scripted::status(200) }]);
    queue(&gateway, 10, 1).await;
    gateway.delivery_bell.notify_one();
    for _ in 0..100 {
        if ehr.seen().len() == 19 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stop.send(true).unwrap();
    running.await.unwrap();
    let last = gateway.store.delivery("p10-1").await.unwrap().unwrap();
    assert_eq!(last.state, DeliveryState::Delivered, "what was in hand was finished");
}

/// Until something is so; the test fails when it never is.
async fn until<F: Future<Output = bool>>(is_so: impl Fn() -> F) {
    for _ in 0..1_500 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it never came");
}

#[tokio::test]
async fn partners_that_hang_cost_their_own_lanes_alone() {
    let (hanging, healthy) = (StandIn::start(Inside::default()), StandIn::start(Inside::default()));
    hanging.script(std::iter::repeat_n(Scripted { delay: Duration::from_secs(600), ..Scripted::status(200) }, 4_000));
    let (gateway, worker) = start(&healthy, Arc::new(SystemClock));
    let mut site = Site::bare(Path::new("/"));
    let mut agreements = vec![Source::new("agreements/a.yaml", AGREEMENT)];
    site.partners.insert("practice".into(), healthy.partner());
    for number in 0..40 {
        let name = format!("hanging-{number}");
        let partner = Partner { name: name.clone(), parallel: 32, timeout_secs: 300, ..hanging.partner() };
        site.partners.insert(name.clone(), partner);
        let text = AGREEMENT.replace("agreement: a", &format!("agreement: {name}")).replace("practice", &name);
        agreements.push(Source::new(format!("agreements/{name}.yaml"), text));
    }
    let names = Names { partners: None, panels: None, value_sets: site.value_sets.clone() };
    site.agreements = compile(&agreements, &names).0;
    gateway.site.store(Arc::new(site));
    for number in 0..40 {
        for patient in 0..40 {
            queue_for(&gateway, &format!("hanging-{number}"), 1_000 + number * 40 + patient, 1).await;
        }
    }
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(worker.run(stopped));
    until(async || hanging.seen().len() >= 200).await;
    for patient in 100..140 {
        queue(&gateway, patient, 3).await;
        gateway.delivery_bell.notify_one();
    }
    until(async || healthy.seen().len() == 120).await;
    let filter = DeliveryFilter { state: Some(DeliveryState::Delivered), ..DeliveryFilter::default() };
    until(async || gateway.store.deliveries(&filter, None, 200).await.unwrap().items.len() == 120).await;
    assert!(hanging.seen().len() <= 40 * 32, "no more at a time than each may be sent");
    running.abort();
    drop(stop);
}

#[tokio::test]
async fn a_worker_that_stood_still_beyond_its_lease_sends_nothing_of_it() {
    let ehr = StandIn::start(Inside::default());
    let trial = Trial::new(&ehr);
    queue(&trial.gateway, 1, 1).await;
    let attempts = Attempts::new(trial.gateway.clone(), own_keys_for_tests(), Box::new(Network::default()));
    let site = trial.gateway.site.load_full();
    let delivery = trial.gateway.store.delivery("p1-1").await.unwrap().unwrap();
    let now = || trial.clock.steady();
    let number = attempts.begin(&delivery, now());
    attempts.run(&site, &delivery, None, number).await;
    assert!(ehr.seen().is_empty());
    assert_eq!(trial.state("p1-1").await, (DeliveryState::Waiting, 0));
    let before = attempts.begin(&delivery, now());
    let number = attempts.begin(&delivery, now());
    assert_eq!(attempts.to_renew(Duration::from_secs(1)), ["p1-1"]);
    attempts.leased(&["p1-1".into(), "another".into()], now() + Duration::from_secs(60));
    assert!(attempts.to_renew(Duration::from_secs(1)).is_empty());
    attempts.run(&site, &delivery, None, before).await;
    assert!(ehr.seen().is_empty(), "what was taken in hand again since is not that one's");
    attempts.run(&site, &delivery, None, number).await;
    assert_eq!(sent(&ehr), ["1-1"]);
}

#[tokio::test]
async fn what_came_of_an_attempt_is_kept_until_the_store_has_it_and_nothing_is_begun_meanwhile() {
    let ehr = StandIn::start(Inside::default());
    let (store, disk) = failing_store();
    let (gateway, worker) = start_on(store, &ehr, Arc::new(SystemClock));
    ehr.script([Scripted { delay: Duration::from_millis(500), ..Scripted::status(201) }]);
    queue(&gateway, 1, 2).await;
    queue(&gateway, 2, 1).await;
    gateway.store.retry_delivery("p2-1", gateway.clock.now() + SignedDuration::from_secs(2)).await.unwrap();
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(worker.run(stopped));
    until(async || !ehr.seen().is_empty()).await;
    *disk.lock().unwrap() = Disk::Full;
    // By then the second is due, and could be read.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(ehr.seen().len(), 1, "what could not be recorded is not begun");
    assert_eq!(gateway.store.delivery("p1-1").await.unwrap().unwrap().state, DeliveryState::Waiting);
    *disk.lock().unwrap() = Disk::Well;
    let filter = DeliveryFilter { state: Some(DeliveryState::Delivered), ..DeliveryFilter::default() };
    until(async || gateway.store.deliveries(&filter, None, 9).await.unwrap().items.len() == 3).await;
    let mut sent = sent(&ehr);
    sent.sort();
    assert_eq!(sent, ["1-1", "1-2", "2-1"], "each once");
    stop.send(true).unwrap();
    running.await.unwrap();
}

#[tokio::test]
async fn a_worker_that_stops_waits_for_no_store_that_cannot_write() {
    let ehr = StandIn::start(Inside::default());
    let (store, disk) = failing_store();
    let (gateway, worker) = start_on(store, &ehr, Arc::new(SystemClock));
    ehr.script([Scripted { delay: Duration::from_millis(300), ..Scripted::status(201) }]);
    queue(&gateway, 1, 1).await;
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(worker.run(stopped));
    until(async || !ehr.seen().is_empty()).await;
    *disk.lock().unwrap() = Disk::Full;
    stop.send(true).unwrap();
    running.await.unwrap();
    assert_eq!(gateway.store.delivery("p1-1").await.unwrap().unwrap().state, DeliveryState::Waiting);
}
