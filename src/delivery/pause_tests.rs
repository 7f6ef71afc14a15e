//! A partner that a person paused or drained, and the rest of the world meanwhile.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::attempt::Attempts;
use super::outside::Network;
use super::own_keys::own_keys_for_tests;
use super::stand_in::{Inside, Scripted, StandIn};
use super::worker_tests::{Trial, queue, queue_for, sent, start_on};
use crate::clock::Clock;
use crate::pipeline::{Gateway, Operation, Status};
use crate::store::{Attempt, DeliveryState, Disk, Outcome, Share, failing_store};

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
    let told = serde_json::to_string(&health.for_everybody().faults).unwrap();
    assert!(told.contains("a partner is paused") && !told.contains("replaced") && !told.contains("practice"), "{told}");
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

#[tokio::test]
async fn a_drain_said_again_withholds_what_it_withheld_and_a_pause_is_not_turned_into_one() {
    let ehr = StandIn::start(Inside::default());
    let trial = Trial::new(&ehr);
    let first = pause(&trial.gateway, true).await["paused"]["since"].clone();
    trial.clock.advance(SignedDuration::from_secs(1));
    queue(&trial.gateway, 1, 1).await;
    trial.clock.advance(SignedDuration::from_secs(1));
    let again = Operation::DeliveryPause {
        partner: "practice".into(),
        drain: true,
        why: "later".into(),
        who: "person:bo".into(),
    };
    let said = trial.gateway.perform(again.clone()).await.unwrap();
    let told = ["since", "why", "who"].map(|what| said["paused"][what].clone());
    assert_eq!(told, [first, json!("later"), json!("person:bo")]);
    assert_eq!((trial.deliver_all().await, sent(&ehr).len()), (0, 0));
    pause(&trial.gateway, false).await;
    let refused = trial.gateway.perform(again).await.unwrap_err();
    assert!(refused.text.contains("resume it first"), "{}", refused.text);
    assert_eq!(
        (trial.deliver_all().await, standing(&trial.gateway).await["paused"]["drains"].clone()),
        (0, json!(false))
    );
}

#[tokio::test]
async fn a_pause_that_does_not_read_stops_its_partner_alone_and_is_told_and_resumed() {
    let ehr = StandIn::start(Inside::default());
    let trial = Trial::new(&ehr);
    trial.gateway.store.put_state("paused/elsewhere", b"{").await.unwrap();
    queue(&trial.gateway, 1, 1).await;
    queue_for(&trial.gateway, "elsewhere", 2, 1).await;
    trial.deliver_all().await;
    assert_eq!((sent(&ehr), trial.state("p2-1").await), (vec!["1-1".to_string()], (DeliveryState::Waiting, 0)));
    trial.clock.advance(SignedDuration::from_secs(1));
    let fault = &trial.gateway.health().await.faults[0];
    assert!(fault.part == "partner elsewhere" && fault.details[0].contains("damaged"), "{fault:?}");
    // The site has no such partner; what its pause holds back is listed all the same.
    let listed = trial.gateway.perform(Operation::DeliveryPartners).await.unwrap()["items"][1].clone();
    assert_eq!((&listed["partner"], &listed["backlog"]["waiting"]), (&json!("elsewhere"), &json!(1)));
    let resume = Operation::DeliveryResume { partner: Some("elsewhere".into()), who: "person:bo".into() };
    trial.gateway.perform(resume).await.unwrap();
    assert_eq!(trial.gateway.store.get_state("paused/elsewhere").await.unwrap().unwrap_or_default(), b"");
    assert_eq!(trial.gateway.health().await.faults, []);
}

#[tokio::test]
async fn a_hold_that_does_not_read_holds_and_is_told_and_resumed() {
    let ehr = StandIn::start(Inside::default());
    let trial = Trial::new(&ehr);
    trial.gateway.store.put_state(crate::pipeline::HOLD, b"{").await.unwrap();
    queue(&trial.gateway, 1, 1).await;
    assert_eq!((trial.deliver_all().await, sent(&ehr).len()), (0, 0));
    let fault = &trial.gateway.health().await.faults[0];
    assert!(fault.text.contains("damaged"), "{fault:?}");
    trial.gateway.perform(Operation::DeliveryResume { partner: None, who: "person:bo".into() }).await.unwrap();
    trial.deliver_all().await;
    assert_eq!(sent(&ehr), ["1-1"]);
}

#[tokio::test]
async fn who_asked_is_in_the_audit_before_anything_is_done() {
    let (ehr, (store, disk)) = (StandIn::start(Inside::default()), failing_store());
    let clock = Trial::new(&ehr).clock;
    let (gateway, _) = start_on(store, &ehr, clock.clone());
    queue(&gateway, 1, 1).await;
    let dead = Attempt::unsent(clock.now(), "refused".to_string());
    gateway.store.finish_attempt("p1-1", dead, Outcome::Dead).await.unwrap();
    let (why, who, id) = ("new server".to_string(), "person:ada".to_string(), "p1-1".to_string());
    let partner = "practice".to_string();
    let asked = [
        (
            "pause",
            Operation::DeliveryPause { partner: partner.clone(), drain: false, why: why.clone(), who: who.clone() },
        ),
        ("hold", Operation::DeliveryHold { why: why.clone(), who: who.clone() }),
        ("drop", Operation::DeliveryDrop { id: id.clone(), why, who: who.clone() }),
        ("retry", Operation::DeliveryRetry { id: None, partner: None, who: who.clone() }),
        ("resend", Operation::DeliveryResend { partner, since: clock.now(), who: who.clone() }),
        ("retry", Operation::DeliveryRetry { id: Some(id), partner: None, who }),
    ];
    for (action, operation) in asked {
        *disk.lock().unwrap() = Disk::AlmostFull;
        gateway.perform(operation).await.unwrap_err();
        *disk.lock().unwrap() = Disk::Well;
        let audit = gateway.store.audit(None, None, 1).await.unwrap().items;
        assert_eq!((audit[0].action.as_str(), audit[0].agent.as_str()), (action, "person:ada"));
        assert_eq!(gateway.store.delivery("p1-1").await.unwrap().unwrap().state, DeliveryState::Dead, "{action}");
    }
    let one = &gateway.store.audit(None, None, 1).await.unwrap().items[0];
    assert!(one.subject == "delivery/p1-1" && one.person.is_some(), "{one:?}");
    // What cannot be done is not said to have been asked for either.
    let unknown = Operation::DeliveryRetry { id: Some("p9-9".into()), partner: None, who: "person:bo".into() };
    gateway.perform(unknown).await.unwrap_err();
    assert_eq!(gateway.store.audit(None, None, 1).await.unwrap().items[0].agent, "person:ada");
}
