//! What partners' servers say they offer, and how what they do not offer is done: by a search first, and told.

use std::path::Path;
use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::client::Lines;
use super::own_keys::own_keys_for_tests;
use super::plain_ehr::{PlainEhr, Ways};
use super::retry::Reply;
use super::route::{Route, Sent};
use super::send::send;
use super::statement::read_statements;
use crate::agreement::{Names, compile};
use crate::clock::{Clock, ManualClock};
use crate::fhir::Offered;
use crate::identity::PersonId;
use crate::pipeline::{Gateway, Operation};
use crate::site::Site;
use crate::store::{Claimed, Delivery, DeliveryState, EngineChoice, NewDelivery, StoreSettings, open};
use crate::yaml::Source;

fn statement(conditional: Option<bool>, interactions: &[&str]) -> Value {
    let codes: Vec<Value> = interactions.iter().map(|code| json!({ "code": code })).collect();
    let mut of_task = json!({ "type": "Task", "interaction": codes });
    conditional.iter().for_each(|conditional| of_task["conditionalUpdate"] = json!(conditional));
    json!({ "resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "software": { "name": "Plain EHR" },
        "rest": [{ "mode": "server", "resource": [of_task] }] })
}

const ALL: [&str; 4] = ["read", "create", "update", "search-type"];

fn task(status: &str) -> Value {
    json!({ "resourceType": "Task", "status": status,
        "identifier": [{ "system": "https://gateway.example/id/task", "value": "7" }] })
}

/// Sends over one line, so that what is learned of it stays.
struct Sender {
    lines: Lines,
    site: Arc<Site>,
    clock: ManualClock,
    offered: Option<Offered>,
}

impl Sender {
    fn new(offered: Option<Value>) -> Self {
        let clock = ManualClock::at("2026-03-02T10:00:00Z".parse().unwrap());
        let offered = offered.map(|statement| Offered::read(&statement).unwrap());
        Self { lines: Lines::default(), site: Arc::new(Site::bare(Path::new("/"))), clock, offered }
    }

    async fn send(&self, ehr: &PlainEhr, status: &str, etag: Option<&str>) -> Sent {
        let partner = ehr.partner();
        let line = self.lines.to(&self.site, &partner).unwrap();
        let (own_keys, clock) = (own_keys_for_tests(), &self.clock);
        let (fhir_base, offered) = (&*ehr.base, self.offered.as_ref());
        let route = Route { line: &line, partner: &partner, fhir_base, own_keys: &own_keys, clock, offered };
        let new = NewDelivery {
            id: "d1".into(),
            partner: partner.name.clone(),
            person: PersonId::SHARED,
            number: 1,
            subject: "Task/x/_history/1".into(),
            agreement: "agreements/a.yaml:1".into(),
            payload: task(status),
            created: clock.now(),
            due: clock.now(),
            message: None,
            ending: false,
            urgent: false,
        };
        let claimed = Claimed { etag: etag.map(str::to_string), ..Claimed::default() };
        let (state, attempts) = (DeliveryState::Waiting, Vec::new());
        send(&route, &Delivery { new, state, tries: 0, attempts, next: None, claimed }).await
    }
}

fn status(code: u16) -> Reply {
    Reply::Status { code, retry_after_secs: None }
}

#[tokio::test]
async fn a_server_that_says_it_has_no_conditional_update_is_searched_and_then_written() {
    let ehr = PlainEhr::start(Ways::default());
    let sender = Sender::new(Some(statement(Some(false), &ALL)));
    ehr.holds("Task", "other", json!({ "resourceType": "Task", "identifier": [{ "system": "urn:x", "value": "7" }] }));
    let first = sender.send(&ehr, "requested", None).await;
    assert_eq!((first.reply, first.text.as_str()), (status(201), "201 Created, as new after a search"));
    assert_eq!(ehr.seen(), ["GET Task", "POST Task"]);
    let second = sender.send(&ehr, "accepted", first.etag.as_deref()).await;
    assert_eq!((second.reply, second.text.as_str()), (status(200), "200 OK, by its id after a search"));
    assert_eq!(
        (ehr.seen(), second.etag.as_deref()),
        (vec!["GET Task".into(), "PUT Task/n1 if W/\"1\"".into()], Some("W/\"2\""))
    );
    // People there changed their copy meanwhile: that is told.
    ehr.holds("Task", "n1", task("completed"));
    let third = sender.send(&ehr, "cancelled", second.etag.as_deref()).await;
    assert_eq!(third.text, "200 OK, by its id after a search, over what it held otherwise by then");
    let held = ehr.ways().holds[&("Task".to_string(), "n1".to_string())].clone();
    assert_eq!((held.0, &held.1["status"]), (4, &json!("cancelled")));
}

#[tokio::test]
async fn a_server_that_says_nothing_is_sent_to_as_ever_and_what_it_shows_is_learned() {
    for silent in [None, Some(statement(None, &ALL)), Some(statement(Some(true), &ALL))] {
        let ehr = PlainEhr::start(Ways::default());
        let sender = Sender::new(silent);
        assert_eq!(sender.send(&ehr, "requested", None).await.reply, status(201));
        assert_eq!(ehr.seen(), ["PUT Task", "GET Task", "POST Task"]);
        assert_eq!(sender.send(&ehr, "accepted", None).await.reply, status(200));
        assert_eq!(
            ehr.seen(),
            ["GET Task", "PUT Task/n1 if W/\"1\""],
            "it is not asked again for what it does not know"
        );
    }
    let ehr = PlainEhr::start(Ways { knows_conditional_update: true, ..Ways::default() });
    let sender = Sender::new(None);
    assert_eq!(sender.send(&ehr, "requested", None).await.text, "201 Created");
    assert_eq!(ehr.seen(), ["PUT Task"]);
}

#[tokio::test]
async fn several_with_our_identifier_are_a_fault_that_names_them_and_nothing_is_written() {
    let ehr = PlainEhr::start(Ways::default());
    let sender = Sender::new(Some(statement(Some(false), &ALL)));
    for id in ["12", "15"] {
        ehr.holds("Task", id, task("requested"));
    }
    let sent = sender.send(&ehr, "accepted", None).await;
    assert_eq!(sent.reply, status(412));
    assert!(sent.text.contains("several with this identifier (Task/12, Task/15)"), "{}", sent.text);
    assert_eq!(ehr.seen(), ["GET Task"]);
}

#[tokio::test]
async fn a_search_that_finds_what_was_not_asked_for_creates_nothing() {
    let ehr = PlainEhr::start(Ways { searches_in_vain: true, ..Ways::default() });
    let sender = Sender::new(Some(statement(Some(false), &ALL)));
    ehr.holds("Task", "other", json!({ "resourceType": "Task", "identifier": [{ "system": "urn:x", "value": "7" }] }));
    let sent = sender.send(&ehr, "requested", None).await;
    assert_eq!(sent.reply, Reply::Denied);
    assert!(sent.text.contains("other identifiers than the one asked for"), "{}", sent.text);
    assert_eq!(ehr.seen(), ["GET Task"]);
}

#[tokio::test]
async fn what_was_created_meanwhile_is_not_created_twice_where_the_server_heeds_conditions() {
    // Its index of identifiers is behind when it is searched, and no more when it creates.
    let ehr = PlainEhr::start(Ways { knows_if_none_exist: true, searches_behind: 1, ..Ways::default() });
    let sender = Sender::new(Some(statement(Some(false), &ALL)));
    ehr.holds("Task", "12", task("requested"));
    let sent = sender.send(&ehr, "accepted", None).await;
    assert_eq!((sent.reply, sent.etag.as_deref()), (Reply::Differs, Some("W/\"1\"")), "{}", sent.text);
    assert_eq!(sender.send(&ehr, "accepted", sent.etag.as_deref()).await.reply, status(200));
    let ways = ehr.ways();
    assert_eq!(
        (ways.holds.len(), &ways.holds[&("Task".to_string(), "12".to_string())].1["status"]),
        (1, &json!("accepted"))
    );
}

#[tokio::test]
async fn what_is_refused_is_told_with_what_the_server_says_it_does_not_offer() {
    let ehr = PlainEhr::start(Ways::default());
    let sender = Sender::new(Some(statement(Some(false), &["read", "create", "search-type"])));
    ehr.ways().refuses = true;
    let sent = sender.send(&ehr, "requested", None).await;
    assert_eq!(
        sent.text,
        "405 Method Not Allowed, as new after a search; its CapabilityStatement does not offer update of Task"
    );
}

/// The whole of it in a gateway: asked at the start, kept in the store, told in its condition and to operators.
#[tokio::test]
async fn what_a_server_offers_is_read_kept_with_its_age_and_told() {
    let ehr =
        PlainEhr::start(Ways { statement: Some(statement(Some(false), &["read", "search-type"])), ..Ways::default() });
    let clock = Arc::new(ManualClock::at("2026-03-02T10:00:00Z".parse().unwrap()));
    let settings = StoreSettings { engine: EngineChoice::Memory, path: "unused".into() };
    let site = || {
        let mut site = Site::bare(Path::new("/"));
        site.partners.insert("practice".into(), ehr.partner());
        let text = "agreement: a\npartner: practice\npurpose: [TREAT]\npatients: { all: true }\nreceives: [{ resource: Task, push: immediate }, \
                    { resource: Goal, pull: true }]\n";
        let names = Names { partners: None, panels: None, value_sets: site.value_sets.clone() };
        site.agreements = compile(&[Source::new("agreements/a.yaml", text)], &names).0;
        site
    };
    let store = open(&settings).unwrap();
    let gateway = Arc::new(Gateway::new(store.clone(), site(), clock.clone()));
    let (stop, stopped) = watch::channel(false);
    let reading = tokio::spawn(read_statements(gateway.clone(), own_keys_for_tests(), stopped));
    let partner = ehr.partner();
    let until = async |wanted: &dyn Fn() -> bool| {
        for _ in 0..500 {
            if wanted() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("it does not come to that");
    };
    until(&|| !gateway.not_offered().is_empty()).await;
    let told = gateway.not_offered().remove(0);
    assert!(
        told.starts_with("A practice's server says that it does not offer")
            && told.contains("update of Task, create of Task."),
        "{told}"
    );
    assert!(gateway.health().await.faults.iter().any(|fault| fault.part == "offered practice"));
    // It is asked again after hours, and what it says then counts; where it says nothing, what it said before does.
    ehr.ways().statement = Some(statement(Some(true), &ALL));
    clock.advance(SignedDuration::from_hours(11));
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    assert!(!gateway.not_offered().is_empty(), "not before its time");
    clock.advance(SignedDuration::from_hours(2));
    until(&|| gateway.not_offered().is_empty()).await;
    ehr.ways().statement = None;
    let read = gateway.servers.of(&partner).unwrap().read.unwrap();
    clock.advance(SignedDuration::from_hours(13));
    until(&|| gateway.servers.of(&partner).unwrap().fault.is_some()).await;
    stop.send_replace(true);
    reading.await.unwrap();
    // A gateway that starts knows it from the store.
    let again = Gateway::new(store, site(), clock);
    let listed = again.perform(Operation::DeliveryServers).await.unwrap();
    let one = &listed["items"][0];
    assert_eq!(
        (&one["partner"], &one["software"], &one["fault"]),
        (&json!("practice"), &json!("Plain EHR"), &json!("404 Not Found"))
    );
    assert_eq!(one["read"], json!(read));
    assert_eq!(one["types"], json!([{ "type": "Task", "way": "conditional update", "not_offered": [] }]));
}
