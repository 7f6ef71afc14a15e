//! Notifications to a partner as FHIR messages: what it gets of a visit, whoever told of it, and what its answers mean.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use actix_web::http::StatusCode;
use actix_web::{App, HttpResponse, HttpServer, web};
use handover::store::DeliveryFilter;
use serde_json::{Value, json};

use crate::harness::{House, adt, code, eventually, minutes_ago};
use crate::messages::Notice;

/// A partner that takes messages, and answers as it is told; with nothing to say it answers `ok`.
#[derive(Default)]
struct Exchange {
    seen: Mutex<Vec<Value>>,
    answers: Mutex<VecDeque<(u16, &'static str)>>,
}

impl Exchange {
    fn start() -> (Arc<Self>, String) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}/fhir", listener.local_addr().unwrap());
        let exchange = Arc::new(Self::default());
        let shared = Arc::clone(&exchange);
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = HttpServer::new(move || {
                    let shared = web::Data::from(Arc::clone(&shared));
                    let json = web::PayloadConfig::new(10 << 20);
                    App::new().app_data(shared).app_data(json).route("/fhir/$process-message", web::post().to(take))
                });
                server.workers(1).disable_signals().listen(listener).unwrap().run().await.unwrap();
            });
        });
        (exchange, base)
    }

    fn seen(&self) -> Vec<Value> {
        self.seen.lock().unwrap().clone()
    }
}

async fn take(exchange: web::Data<Exchange>, body: web::Bytes) -> HttpResponse {
    let message: Value = serde_json::from_slice(&body).unwrap();
    let id = message["entry"][0]["resource"]["id"].clone();
    exchange.seen.lock().unwrap().push(message);
    let (status, word) = exchange.answers.lock().unwrap().pop_front().unwrap_or((200, "ok"));
    let issue = json!([{ "severity": "error", "code": "business-rule", "diagnostics": "Okafor is nobody here" }]);
    let answer = json!({ "resourceType": "Bundle", "type": "message", "entry": [
        { "resource": { "resourceType": "MessageHeader", "eventUri": "urn:x", "source": { "endpoint": "urn:x" }, "response": { "identifier": id, "code": word } } },
        { "resource": { "resourceType": "OperationOutcome", "issue": issue } } ] });
    HttpResponse::build(StatusCode::from_u16(status).unwrap())
        .content_type("application/fhir+json")
        .body(answer.to_string())
}

const AGREEMENT: &str = "agreement: riverside ↔ county\npartner: county-hie\npurpose: [TREAT]\npatients: { panel: lakeside }\nreceives:\n  - { resource: Encounter, push: message, without: [diagnosis] }\n  - { resource: Patient, pull: true, without: [telecom] }\n  - { resource: Practitioner, pull: true }\n  - { resource: Location, pull: true }\nnever: [R, 42CFRPart2]\n";

async fn house(base: &str) -> House {
    let partner = format!(
        "partner: county-hie\ntitle: County Exchange\nfhir:\n  base: {base}\n  retry: {{ first_secs: 1, factor: 2, longest_secs: 2, give_up_after_hours: 1 }}\n"
    );
    House::with_files(
        &|_, text| text,
        &[("partners/county-hie.yaml", partner), ("agreements/county-hie.yaml", AGREEMENT.to_string())],
    )
    .await
}

async fn states(house: &House) -> Vec<(String, String)> {
    let filter = DeliveryFilter { partner: Some("county-hie".to_string()), ..DeliveryFilter::default() };
    let found = house.running.gateway.store.deliveries(&filter, None, 50).await.unwrap().items;
    let word = |attempts: &[handover::store::Attempt]| {
        attempts.iter().map(|one| one.result.clone()).collect::<Vec<_>>().join(" | ")
    };
    found.iter().map(|one| (one.state.word().to_string(), word(&one.attempts))).collect()
}

fn codes(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|one| one["entry"][0]["resource"]["eventCoding"]["code"].as_str().unwrap()).collect()
}

fn kinds(message: &Value) -> Vec<&str> {
    message["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["resource"]["resourceType"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_of_a_visit_is_a_message_of_its_own_with_what_the_partner_may_have() {
    let (exchange, base) = Exchange::start();
    let house = house(&base).await;
    let mut hospital = house.hospital().await;
    let send = async |hospital: &mut crate::harness::Hospital, message: String| {
        let answer = hospital.send(&message).await;
        assert_eq!(code(&answer), "AA", "{answer}");
    };
    send(&mut hospital, adt("A04", "1", "4711", "V1", &minutes_ago(50))).await;
    // An update is no event; a patient on no panel is nobody's.
    send(&mut hospital, adt("A08", "2", "4711", "V1", &minutes_ago(45)).replace("Rosalind", "Rosalinda")).await;
    send(&mut hospital, adt("A04", "3", "9999", "V9", &minutes_ago(40))).await;
    send(&mut hospital, adt("A02", "4", "4711", "V1", &minutes_ago(30)).replace("ED^04^A", "ED^07^B")).await;
    send(&mut hospital, adt("A03", "5", "4711", "V1", &minutes_ago(10))).await;
    eventually("three messages", async || exchange.seen().len() == 3).await;
    let seen = exchange.seen();
    assert_eq!(codes(&seen), ["notification-admit", "notification-transfer", "notification-discharge"]);
    let admit = &seen[0];
    assert_eq!(&kinds(admit)[..3], ["MessageHeader", "Provenance", "Encounter"], "{admit}");
    for kind in ["Patient", "Practitioner", "Location", "Organization"] {
        assert!(kinds(admit).contains(&kind), "{kind}: {:?}", kinds(admit));
    }
    assert!(!kinds(admit).contains(&"Condition"), "no line of the agreement lets it out");
    let entry = |kind: &str| {
        admit["entry"].as_array().unwrap().iter().find(|entry| entry["resource"]["resourceType"] == kind).unwrap()
    };
    let (header, visit) = (&entry("MessageHeader")["resource"], &entry("Encounter")["resource"]);
    assert_eq!(header["focus"][0]["reference"], entry("Encounter")["fullUrl"]);
    assert_eq!(header["destination"][0]["endpoint"], format!("{base}/$process-message"));
    assert_eq!(visit["subject"]["reference"], entry("Patient")["fullUrl"]);
    assert_eq!(visit["location"][0]["location"]["reference"], entry("Location")["fullUrl"]);
    assert!(visit.get("diagnosis").is_none() && visit["meta"]["security"].to_string().contains("SUBSETTED"), "{visit}");
    assert!(admit["meta"]["security"].to_string().contains("SUBSETTED"), "the diagnosis was left out: {admit}");
    let provenance = &entry("Provenance")["resource"];
    assert_eq!(provenance["target"][0]["reference"], entry("MessageHeader")["fullUrl"]);
    assert_eq!(provenance["agent"][0]["who"]["display"], "Riverside Hospital");
    assert_eq!(provenance["agent"][1]["type"]["coding"][0]["code"], "assembler");
    let mut ids: Vec<&str> = seen
        .iter()
        .flat_map(|one| [one["id"].as_str().unwrap(), one["entry"][0]["resource"]["id"].as_str().unwrap()])
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 6, "each message has ids of its own");
    // R4 holds of it.
    let outcome = handover::profile::validate_against(
        &handover::fhir::Resource::try_from(admit.clone()).unwrap(),
        &[],
        &house.running.gateway.site.load().profiles,
    );
    let faults: Vec<_> = outcome.iter().filter(|problem| problem.is_error()).collect();
    assert!(faults.is_empty(), "{faults:?}");
    eventually("all are delivered", async || states(&house).await.iter().all(|(state, _)| state == "delivered")).await;
    let audit = house.running.gateway.store.audit(None, None, 200).await.unwrap().items;
    let line = audit
        .iter()
        .find(|one| one.agent == "county-hie" && one.because.starts_with("a message of the visit"))
        .expect("an audit entry");
    assert!(line.because.contains("left out: Condition/"), "{line:?}");
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_partner_answers_is_what_counts() {
    let (exchange, base) = Exchange::start();
    exchange.answers.lock().unwrap().extend([
        (200, "transient-error"),
        (503, "transient-error"),
        (200, "ok"),
        (200, "fatal-error"),
    ]);
    let house = house(&base).await;
    let mut hospital = house.hospital().await;
    assert_eq!(code(&hospital.send(&adt("A04", "1", "4712", "V2", &minutes_ago(50))).await), "AA");
    eventually("it is delivered in the end", async || {
        states(&house).await.iter().any(|(state, _)| state == "delivered")
    })
    .await;
    let seen = exchange.seen();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|one| *one == seen[0]), "sent again, it is the same message");
    assert_eq!(code(&hospital.send(&adt("A03", "2", "4712", "V2", &minutes_ago(5))).await), "AA");
    eventually("a message that is refused for good is a dead letter", async || {
        states(&house).await.iter().any(|(state, _)| state == "dead")
    })
    .await;
    let told = states(&house).await;
    let (_, dead) = told.iter().find(|(state, _)| state == "dead").unwrap();
    assert!(dead.contains("fatal-error") && dead.contains("business-rule") && !dead.contains("Okafor"), "{dead}");
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_by_fhir_is_told_on_and_a_gateway_takes_it_from_a_gateway() {
    let (exchange, base) = Exchange::start();
    let practice = crate::writing::Practice::with_files(
        "Patient, Encounter, Condition, Practitioner, Location, Organization",
        &[
            (
                "partners/county-hie.yaml",
                format!("partner: county-hie\ntitle: County Exchange\nfhir:\n  base: {base}\n"),
            ),
            ("agreements/county-hie.yaml", AGREEMENT.to_string()),
        ],
        &|_, text| text,
    )
    .await;
    Notice::admit("4713", "F1", 30).to(&practice).await.is(200);
    let of_visit = || exchange.seen().into_iter().find(|one| one.to_string().contains("urn:bayview:visit"));
    eventually("it is told on", async || of_visit().is_some()).await;
    let told = of_visit().unwrap();
    assert_eq!(told["entry"][0]["resource"]["eventCoding"]["code"], "notification-admit");
    let names = told["entry"][1]["resource"]["agent"][0]["who"]["display"].clone();
    assert_eq!(names, "Lakeside Family Practice");
    // What this gateway sends is what it takes: the same visit, told back, changes nothing.
    let mut back = Notice { bundle: told };
    back.bundle["entry"][0]["resource"]["destination"] = json!([]);
    back.bundle["entry"][0]["resource"].as_object_mut().unwrap().shift_remove("destination");
    back.to(&practice).await.is(200);
    let visits = practice.ehr.search("Encounter?identifier=urn:bayview:visit|F1").await;
    assert_eq!(visits["entry"].as_array().map(Vec::len), Some(1), "{visits}");
    assert_eq!(exchange.seen().iter().filter(|one| one.to_string().contains("urn:bayview:visit")).count(), 1);
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_go_any_more_is_taken_out_of_a_message_that_waits() {
    let (exchange, base) = Exchange::start();
    exchange.answers.lock().unwrap().extend([(503, "transient-error"); 400]);
    let house = house(&base).await;
    let mut hospital = house.hospital().await;
    assert_eq!(code(&hospital.send(&adt("A04", "1", "4713", "V3", &minutes_ago(50))).await), "AA");
    eventually("it was tried", async || !exchange.seen().is_empty()).await;
    let narrower = AGREEMENT
        .replace("  - { resource: Patient, pull: true, without: [telecom] }\n", "")
        .replace("without: [diagnosis]", "without: [diagnosis, location]");
    std::fs::write(house.folder.path().join("agreements/county-hie.yaml"), narrower).unwrap();
    let is_narrow = |one: &Value| !kinds(one).contains(&"Patient");
    eventually("it is sent without the patient", async || exchange.seen().iter().any(is_narrow)).await;
    exchange.answers.lock().unwrap().clear();
    eventually("it is delivered", async || states(&house).await.iter().any(|(state, _)| state == "delivered")).await;
    let seen = exchange.seen();
    let (first, last) = (&seen[0], seen.last().unwrap());
    assert!(kinds(first).contains(&"Patient") && is_narrow(last));
    assert_ne!(first["id"], last["id"], "less in it is another message");
    assert!(last["meta"]["security"].to_string().contains("SUBSETTED"));
    let visit = &last["entry"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["resource"]["resourceType"] == "Encounter")
        .unwrap()["resource"];
    assert!(visit.get("location").is_none() && visit["subject"].get("reference").is_none(), "{visit}");
    assert!(visit["subject"]["identifier"]["value"].is_string(), "whose it is the partner knows by its number");
    let told = states(&house).await;
    assert!(told.iter().any(|(_, attempts)| attempts.starts_with("503") && attempts.contains("shortened")), "{told:?}");
    house.running.stop().await;
}
