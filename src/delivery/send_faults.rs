//! What sending makes of partners as they are: slow, cut off, out of order, with other certificates than expected.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::json;

use super::client::Lines;
use super::own_keys::{OwnKeys, own_keys_for_tests};
use super::retry::Reply;
use super::route::{Route, Sent};
use super::send::send;
use super::stand_in::{Inside, Scripted, StandIn, partner};
use crate::clock::{Clock, ManualClock};
use crate::identity::PersonId;
use crate::site::{Partner, Site};
use crate::store::{Claimed, Delivery, DeliveryState, NewDelivery};

struct Trial {
    lines: Lines,
    site: Arc<Site>,
    keys: OwnKeys,
    clock: ManualClock,
}

impl Trial {
    fn new() -> Self {
        let clock = ManualClock::at("2026-03-02T10:00:00Z".parse().unwrap());
        let site = Arc::new(Site::bare(Path::new("/")));
        Self { lines: Lines::default(), site, keys: own_keys_for_tests(), clock }
    }

    async fn send(&self, partner: &Partner) -> Sent {
        self.send_over(partner, None).await
    }

    /// Over what the partner named so.
    async fn send_over(&self, partner: &Partner, etag: Option<&str>) -> Sent {
        let line = self.lines.to(&self.site, partner).unwrap();
        let fhir_base = partner.fhir_base.as_deref().unwrap();
        let route = Route { line: &line, partner, fhir_base, own_keys: &self.keys, clock: &self.clock, offered: None };
        let claimed = Claimed { etag: etag.map(str::to_string), ..Claimed::default() };
        send(&route, &Delivery { claimed, ..delivery(&self.clock) }).await
    }
}

fn delivery(clock: &dyn Clock) -> Delivery {
    let payload = json!({ "resourceType": "Task", "id": "x", "status": "requested",
        "identifier": [{ "system": "https://handover.health/id/task", "value": "7" }] });
    let new = NewDelivery {
        id: "d1".into(),
        partner: "practice".into(),
        person: PersonId::SHARED,
        number: 1,
        subject: "Task/x/_history/1".into(),
        agreement: "agreements/a.yaml:1".into(),
        payload,
        created: clock.now(),
        due: clock.now(),
        message: None,
        ending: false,
        urgent: false,
    };
    Delivery {
        new,
        state: DeliveryState::Waiting,
        tries: 0,
        attempts: Vec::new(),
        next: None,
        claimed: Claimed::default(),
    }
}

fn status(code: u16) -> Reply {
    Reply::Status { code, retry_after_secs: None }
}

#[tokio::test]
async fn a_task_arrives_as_an_update_by_identifier_with_a_token() {
    let ehr = StandIn::start(Inside { wants_token: true, ..Inside::default() });
    let trial = Trial::new();
    let sent = trial.send(&ehr.partner()).await;
    assert_eq!((sent.reply, sent.text.as_str()), (status(201), "201 Created"));
    let seen = ehr.seen();
    assert_eq!(seen[0].path_and_query, "/fhir/Task?identifier=https%3A%2F%2Fhandover.health%2Fid%2Ftask%7C7");
    assert_eq!(seen[0].authorization.as_deref(), Some("Bearer t1"));
    assert_eq!(seen[0].content_type.as_deref(), Some("application/fhir+json"));
    assert_eq!(seen[0].body["status"], "requested");
    let assertion = ehr.inside.assertions.lock().unwrap()[0].clone();
    let claims: serde_json::Value = jsonwebtoken::dangerous::insecure_decode(&assertion).unwrap().claims;
    assert_eq!((claims["iss"].as_str(), claims["sub"].as_str()), (Some("handover"), Some("handover")));
    assert!(claims["aud"].as_str().unwrap().ends_with("/token"));
    assert!(claims["exp"].as_i64().unwrap() - trial.clock.now().as_second() <= 300);
}

#[tokio::test]
async fn a_token_is_used_again_until_shortly_before_it_ends_and_fetched_once_by_many() {
    let ehr = StandIn::start(Inside { wants_token: true, ..Inside::default() });
    let trial = Trial::new();
    let partner = ehr.partner();
    let many = tokio::join!(trial.send(&partner), trial.send(&partner), trial.send(&partner));
    assert_eq!((many.0.reply, many.1.reply, many.2.reply), (status(201), status(201), status(201)));
    assert_eq!(ehr.inside.tokens.load(Ordering::SeqCst), 1);
    trial.clock.advance(SignedDuration::from_secs(271));
    trial.send(&partner).await;
    assert_eq!(ehr.inside.tokens.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_token_refused_before_its_time_is_renewed_at_once() {
    let ehr = StandIn::start(Inside { wants_token: true, ..Inside::default() });
    let trial = Trial::new();
    trial.send(&ehr.partner()).await;
    ehr.inside.tokens.store(7, Ordering::SeqCst);
    assert_eq!(trial.send(&ehr.partner()).await.reply, status(201));
    assert_eq!(ehr.seen()[1].authorization.as_deref(), Some("Bearer t8"));
}

#[tokio::test]
async fn nobody_proves_who_we_are_at_an_endpoint_of_another_origin_unless_the_site_pins_it() {
    let other = StandIn::start(Inside::default());
    let endpoint = other.base.replace("/fhir", "/token");
    let told = Inside { wants_token: true, token_endpoint: Some(endpoint.clone()), ..Inside::default() };
    let ehr = StandIn::start(told);
    let mut partner = ehr.partner();
    let sent = Trial::new().send(&partner).await;
    assert_eq!(sent.reply, Reply::Unauthorized);
    assert!(sent.text.contains("pin it"), "{}", sent.text);
    assert_eq!((other.inside.assertions.lock().unwrap().len(), ehr.seen().len()), (0, 0));
    partner.smart.as_mut().unwrap().token_url = Some(endpoint.clone());
    Trial::new().send(&partner).await;
    let assertion = other.inside.assertions.lock().unwrap()[0].clone();
    let claims: serde_json::Value = jsonwebtoken::dangerous::insecure_decode(&assertion).unwrap().claims;
    assert_eq!(claims["aud"], endpoint);
}

#[tokio::test]
async fn a_client_that_is_not_registered_is_told_so_in_words_of_ours() {
    let ehr = StandIn::start(Inside { wants_token: true, refuse_clients: true, ..Inside::default() });
    let sent = Trial::new().send(&ehr.partner()).await;
    assert_eq!(sent.reply, Reply::Unauthorized);
    assert!(sent.text.contains("400 invalid_client: our client id, key or secret"), "{}", sent.text);
    assert!(!sent.text.contains("Jane"));
}

#[tokio::test]
async fn a_busy_partner_says_when_and_a_refusal_says_why() {
    let ehr = StandIn::start(Inside::default());
    let outcome = json!({ "resourceType": "OperationOutcome",
        "issue": [{ "severity": "error", "code": "required", "expression": ["Task.owner"] }] });
    ehr.script([
        Scripted { headers: vec![("Retry-After", "30".into())], ..Scripted::status(429) },
        Scripted::status(503),
        Scripted { body: outcome.to_string(), ..Scripted::status(422) },
        Scripted { headers: vec![("Location", "https://elsewhere.example/".into())], ..Scripted::status(302) },
        Scripted { body: "x".repeat(1 << 20), ..Scripted::status(200) },
    ]);
    let trial = Trial::new();
    let partner = ehr.partner();
    assert_eq!(trial.send(&partner).await.reply, Reply::Status { code: 429, retry_after_secs: Some(30) });
    assert_eq!(trial.send(&partner).await.reply, status(503));
    let refused = trial.send(&partner).await;
    assert_eq!(refused.text, "422 Unprocessable Entity: error/required at Task.owner");
    assert_eq!(trial.send(&partner).await.reply, status(302));
    assert_eq!(trial.send(&partner).await.reply, status(200));
}

#[tokio::test]
async fn slow_cut_and_absent_partners_are_transport_failures() {
    let ehr = StandIn::start(Inside::default());
    ehr.script([Scripted { delay: Duration::from_secs(5), ..Scripted::status(200) }]);
    let trial = Trial::new();
    let slow = trial.send(&ehr.partner()).await;
    assert_eq!((slow.reply, slow.text.as_str()), (Reply::Unknown, "no answer within 1 s"));

    let cutting = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = cutting.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = cutting.accept().await {
            drop(socket)
        }
    });
    let cut = Trial::new().send(&partner(&format!("http://{address}/fhir"), None)).await;
    assert_eq!(cut.reply, Reply::Unknown);

    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let absent = Trial::new().send(&partner(&format!("http://{gone}/fhir"), None)).await;
    assert_eq!(absent.reply, Reply::Transport);
    assert!(absent.text.starts_with("no connection: "), "{}", absent.text);
}

#[tokio::test]
async fn a_version_that_a_partner_names_goes_back_to_it_and_what_it_refuses_is_read_and_ruled_on() {
    let ehr = StandIn::start(Inside::default());
    let (trial, partner) = (Trial::new(), ehr.partner());
    ehr.script([Scripted { headers: vec![("ETag", "W/\"1\"".into())], ..Scripted::status(200) }]);
    let first = trial.send(&partner).await;
    assert_eq!(
        (first.reply, first.etag.as_deref(), ehr.seen()[0].if_match.clone()),
        (status(200), Some("W/\"1\""), None)
    );

    let refused = async |held: Option<serde_json::Value>| {
        *ehr.inside.held.lock().unwrap() = held;
        ehr.script([Scripted::status(412)]);
        let sent = trial.send_over(&partner, Some("W/\"1\"")).await;
        (sent.reply, sent.etag.unwrap_or_default(), ehr.seen().last().unwrap().if_match.clone())
    };
    let named = || Some("W/\"1\"".to_string());
    let bundle = |state: &str, version: &str| {
        let resource = json!({ "resourceType": "Task", "id": "9", "status": state, "meta": { "versionId": version },
            "identifier": [{ "system": "https://handover.health/id/task", "value": "7" }] });
        Some(json!({ "resourceType": "Bundle", "entry": [{ "resource": resource }] }))
    };
    assert_eq!(refused(bundle("requested", "2")).await, (status(200), "W/\"2\"".into(), named()), "it had arrived");
    assert_eq!(refused(bundle("completed", "3")).await, (Reply::Differs, "W/\"3\"".into(), named()));
    assert_eq!(refused(None).await, (Reply::Differs, String::new(), named()), "it may not be read");
    for _ in 0..2 {
        refused(bundle("completed", "1")).await;
    }
    let (reply, _, sent) = refused(None).await;
    assert_eq!((reply, sent), (status(412), None), "it refuses whatever it names itself, and is named nothing");
}

#[tokio::test]
async fn a_server_is_believed_only_with_a_certificate_the_site_trusts() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_string()]).unwrap();
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_string()]).unwrap();
    std::fs::write(folder.path().join("right.pem"), made.cert.pem()).unwrap();
    std::fs::write(folder.path().join("wrong.pem"), other.cert.pem()).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let tls = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let ehr = StandIn::start_tls(Inside::default(), tls);
    let site = || Arc::new(Site::bare(folder.path()));
    let with_ca = |name: &str| Partner { server_ca: Some(PathBuf::from(name)), ..ehr.partner() };

    let trusting = Trial { site: site(), ..Trial::new() };
    assert_eq!(trusting.send(&with_ca("right.pem")).await.reply, status(201));
    let doubting = Trial { site: site(), ..Trial::new() }.send(&with_ca("wrong.pem")).await;
    assert_eq!(doubting.reply, Reply::Transport);
    assert!(doubting.text.contains("certificate"), "{}", doubting.text);

    let missing = trusting.lines.to(&site(), &with_ca("absent.pem")).unwrap_err();
    assert!(missing.contains("absent.pem cannot be read"), "{missing}");
}
