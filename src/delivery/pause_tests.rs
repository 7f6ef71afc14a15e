//! A partner that a person paused or drained, and the rest of the world meanwhile.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::attempt::Attempts;
use super::outside::Network;
use super::own_keys::own_keys_for_tests;
use super::stand_in::{Inside, Scripted, StandIn};
use super::worker_tests::{Trial, queue, sent, start_on};
use crate::clock::Clock;
use crate::pipeline::{Gateway, Operation, Status};
use crate::store::{DeliveryState, Share};

async fn pause(gateway: &Gateway, drain: bool) -> Value {
    let why = "their server is replaced".to_string();
    let pause = Operation::DeliveryPause { partner: "practice".into(), drain, why, who: "person:ada".into() };
    gateway.perform(pause).await.unwrap()
}

async fn resume(gateway: &Gateway) -> Value {
    let resume = Operation::DeliveryResume { partner: Some("practice".into()), who: "person:bo".into() };
    gateway.perform(resume).await.unwrap()
}

async fn standing(gateway: &Gateway) -> Value {
    gateway.perform(Operation::DeliveryPartners).await.unwrap()["items"][0].clone()
}

#[tokio::test]
async fn a_paused_partner_is_sent_nothing_over_a_restart_and_then_all_of_it_in_order() {
    let ehr = StandIn::start(Inside::default());
    let trial = Trial::new(&ehr);
    queue(&trial.gateway, 1, 2).await;
    pause(&trial.gateway, false).await;
    queue(&trial.gateway, 2, 2).await;
    assert_eq!((trial.deliver_all().await, sent(&ehr).len()), (0, 0));
    // Another process on the same store, which hears of it from there.
    let (gateway, worker) = start_on(trial.gateway.store.clone(), &ehr, trial.clock.clone());
    assert_eq!((worker.deliver_due().await.unwrap(), sent(&ehr).len()), (0, 0));
    let told = standing(&gateway).await;
    let said = ["why", "who", "since"].map(|what| told["paused"][what].clone());
    assert_eq!(said, [json!("their server is replaced"), json!("person:ada"), json!(trial.clock.now())]);
    assert_eq!((&told["backlog"]["waiting"], &told["backlog"]["made_before"]), (&json!(4), &json!(0)));
    let health = gateway.health().await;
    assert_eq!((health.status, health.faults[0].part.as_str()), (Status::Warn, "partner practice"));
    assert!(!serde_json::to_string(&health.for_everybody()).unwrap().contains("replaced"), "for those who work here");
    assert_eq!(resume(&gateway).await["before"]["who"], "person:ada");
    while worker.deliver_due().await.unwrap() > 0 {}
    let mut all = sent(&ehr);
    all.sort_by_key(|what| what.starts_with('2'));
    assert_eq!(all, ["1-1", "1-2", "2-1", "2-2"]);
    assert_eq!(gateway.health().await.faults, []);
    let audit = gateway.store.audit(None, None, 9).await.unwrap().items;
    let audited: Vec<_> = audit.iter().map(|entry| (entry.agent.as_str(), entry.action.as_str())).collect();
    assert_eq!(audited, [("person:bo", "resume"), ("person:ada", "pause")]);
    assert!(audit.iter().all(|entry| entry.subject == "deliveries to practice"));
}

#[tokio::test]
async fn a_drained_partner_gets_what_waited_with_its_retries_and_nothing_newer() {
    let ehr = StandIn::start(Inside::default());
    let trial = Trial::new(&ehr);
    queue(&trial.gateway, 1, 2).await;
    pause(&trial.gateway, true).await;
    trial.clock.advance(SignedDuration::from_secs(1));
    queue(&trial.gateway, 2, 1).await;
    ehr.script([Scripted::status(503)]);
    trial.deliver_all().await;
    assert_eq!((trial.state("p1-1").await.0, sent(&ehr)), (DeliveryState::Waiting, vec!["1-1".to_string()]));
    assert_eq!(standing(&trial.gateway).await["backlog"]["made_before"], 2);
    trial.clock.advance(SignedDuration::from_secs(3));
    trial.deliver_all().await;
    assert_eq!(sent(&ehr), ["1-1", "1-1", "1-2"]);
    let told = standing(&trial.gateway).await;
    assert_eq!((&told["backlog"]["made_before"], &told["backlog"]["waiting"]), (&json!(0), &json!(1)));
    resume(&trial.gateway).await;
    trial.deliver_all().await;
    assert_eq!(sent(&ehr)[3..], ["2-1"]);
}

#[tokio::test]
async fn what_was_claimed_and_not_begun_when_the_pause_came_stays() {
    let ehr = StandIn::start(Inside::default());
    let trial = Trial::new(&ehr);
    queue(&trial.gateway, 1, 1).await;
    let attempts = Attempts::new(trial.gateway.clone(), own_keys_for_tests(), Box::new(Network::default()));
    let (site, room) = (trial.gateway.site.load_full(), [Share::of("practice", 1)]);
    let lease = SignedDuration::from_secs(9);
    let claimed = trial.gateway.store.claim_deliveries(trial.clock.now(), &room, lease).await.unwrap();
    let number = attempts.begin(&claimed[0], trial.clock.steady() + Duration::from_secs(7));
    pause(&trial.gateway, false).await;
    attempts.run(&site, &claimed[0], None, number).await;
    assert_eq!(
        (trial.state("p1-1").await, sent(&ehr).len()),
        ((DeliveryState::Waiting, 0), 0),
        "and no attempt counts"
    );
    resume(&trial.gateway).await;
    trial.deliver_all().await;
    assert_eq!(sent(&ehr), ["1-1"]);
}

#[tokio::test]
async fn a_pause_has_a_reason_and_a_partner() {
    let ehr = StandIn::start(Inside::default());
    let trial = Trial::new(&ehr);
    let said = async |partner: &str, why: &str| {
        let (partner, why) = (partner.to_string(), why.to_string());
        let pause = Operation::DeliveryPause { partner, drain: false, why, who: "person:ada".into() };
        trial.gateway.perform(pause).await.unwrap_err().text
    };
    assert!(said("practice", "  ").await.contains("say why"));
    assert!(said("elsewhere", "new server").await.contains("no partner `elsewhere`"));
    let nobody = Operation::DeliveryResume { partner: Some("elsewhere".into()), who: "person:ada".into() };
    trial.gateway.perform(nobody).await.unwrap_err();
    assert_eq!(resume(&trial.gateway).await["before"], Value::Null);
}
