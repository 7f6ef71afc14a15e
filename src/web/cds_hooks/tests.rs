//! Cards in the visit: whose, for whom, and how they fall silent.

use actix_web::test::TestRequest;
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::identity::ResourceId;
use crate::store::WriteUnit;
use crate::web::trial::{Answer, BASE, Trial, member, stranger};

const VIEW: &str = "/cds-services/handover-patient-view";

/// A trial in which both patients have COPD.
async fn with_copd() -> Trial {
    let trial = Trial::new().await;
    // The stranger is on a panel too, but on none that the agreement covers.
    trial.enrol("hillside", "2").await;
    for person in [member(), stranger()] {
        let condition = json!({
            "clinicalStatus": { "coding": [{ "code": "active",
                "system": "http://terminology.hl7.org/CodeSystem/condition-clinical" }] },
            "code": { "coding": [{ "system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "J44.1" }] },
            "subject": { "reference": format!("Patient/{}", ResourceId::patient(person)) } });
        trial.add(person, "Condition", "copd", condition).await;
        // What the pipeline would have committed with the diagnosis.
        let known = trial.gateway.load(person, 10).await.unwrap();
        let site = trial.gateway.site.load_full();
        let (practices, now) = (site.practices_of(&known.memberships), trial.clock.now());
        let view = crate::protocol::View {
            record: &known.record,
            memberships: &known.memberships,
            practices: &practices,
            now,
        };
        let changes = site.protocols.evaluate(&view).changes;
        assert!(changes.iter().any(|change| change.stored.resource.resource_type() == "Flag"), "{changes:?}");
        trial.commit(person, WriteUnit { changes, ..WriteUnit::default() }).await;
    }
    trial
}

fn jwt(trial: &Trial, path: &str) -> String {
    let now = trial.clock.now().as_second();
    let jti = format!("{:x}", rand::random::<u128>());
    let claims =
        json!({ "iss": "practice-client", "aud": format!("{BASE}{path}"), "exp": now + 60, "iat": now, "jti": jti });
    trial.key.sign(&claims).unwrap()
}

async fn post(trial: &Trial, path: &str, token: &str, body: &Value) -> Answer {
    let request = TestRequest::post().uri(path).insert_header(("authorization", format!("Bearer {token}")));
    trial.call(request.set_json(body)).await
}

async fn open_chart(trial: &Trial, patient_id: &str, prefetch: Value) -> Answer {
    let body = json!({ "hook": "patient-view", "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": { "userId": "Practitioner/1", "patientId": patient_id }, "prefetch": prefetch });
    post(trial, VIEW, &jwt(trial, VIEW), &body).await
}

fn prefetched(number: &str) -> Value {
    json!({ "patient": { "resourceType": "Patient", "identifier": [{ "system": "urn:mrn", "value": number }] } })
}

fn cards(answer: &Answer) -> &Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body["cards"].as_array().unwrap()
}

#[actix_web::test]
async fn the_questions_of_a_diagnosis_come_up_by_id_and_by_identifier() {
    let trial = with_copd().await;
    let by_identifier = open_chart(&trial, "their-own-77", prefetched("1")).await;
    let summaries: Vec<&str> = cards(&by_identifier).iter().map(|card| card["summary"].as_str().unwrap()).collect();
    assert!(summaries.contains(&"Has a self-management programme been offered?"), "{summaries:?}");
    let by_id = open_chart(&trial, &ResourceId::patient(member()).to_string(), Value::Null).await;
    assert_eq!(cards(&by_id).len(), summaries.len());
    let audit = trial.audit().await;
    assert!(audit.iter().all(|entry| entry.action == "card" && entry.allowed), "{audit:?}");
}

#[actix_web::test]
async fn nobody_sees_cards_of_patients_the_agreement_does_not_cover() {
    let trial = with_copd().await;
    assert_eq!(cards(&open_chart(&trial, "x", prefetched("2")).await).len(), 0);
    assert!(trial.audit().await.iter().all(|entry| !entry.allowed));
    assert_eq!(cards(&open_chart(&trial, "x", prefetched("unknown")).await).len(), 0);
    let both = json!({ "patient": { "resourceType": "Patient", "identifier": [
        { "system": "urn:mrn", "value": "1" }, { "system": "urn:mrn", "value": "2" }] } });
    assert_eq!(cards(&open_chart(&trial, "x", both).await).len(), 0, "two records are a question of identity");
}

#[actix_web::test]
async fn an_answered_question_falls_silent() {
    let trial = with_copd().await;
    let before = open_chart(&trial, "x", prefetched("1")).await;
    let card = cards(&before).iter().find(|card| card["summary"].as_str().unwrap().contains("programme")).unwrap();
    let path = format!("{VIEW}/feedback");
    let suggestion = format!("{}.offered", card["uuid"].as_str().unwrap());
    let body = json!({ "feedback": [{ "card": card["uuid"], "outcome": "accepted",
        "acceptedSuggestions": [{ "id": suggestion }], "outcomeTimestamp": "2026-03-02T10:05:00Z" }] });
    let answer = post(&trial, &path, &jwt(&trial, &path), &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let after = open_chart(&trial, "x", prefetched("1")).await;
    // Three cards by themselves, and one for the rest.
    let rest = |shown: &Answer| cards(shown).last().unwrap()["summary"].as_str().unwrap().to_string();
    assert_eq!(
        (rest(&before), rest(&after)),
        ("4 more for this visit".to_string(), "3 more for this visit".to_string())
    );
    assert!(!after.text.contains("self-management programme been offered"));
}

#[actix_web::test]
async fn an_answer_is_taken_only_where_the_agreement_lets_the_partner_send_it() {
    let trial = with_copd().await;
    let shown = open_chart(&trial, "x", prefetched("1")).await;
    let card = cards(&shown).iter().find(|card| card["summary"].as_str().unwrap().contains("programme")).unwrap();
    let path = format!("{VIEW}/feedback");
    let answer = |suggestion: &str| {
        json!({ "feedback": [{ "card": card["uuid"], "outcome": "accepted",
            "acceptedSuggestions": [{ "id": format!("{}.{suggestion}", card["uuid"].as_str().unwrap()) }] }] })
    };
    for sends in ["", "sends: [Task.status, Flag.period, Observation]\n"] {
        trial.replace_agreement(|text| text.replace("sends: [Flag.status]\n", sends));
        let refused = post(&trial, &path, &jwt(&trial, &path), &answer("offered")).await;
        assert_eq!(refused.status, 403, "{}", refused.text);
        assert_eq!(cards(&open_chart(&trial, "x", prefetched("1")).await).len(), cards(&shown).len());
    }
    let audit = trial.audit().await;
    let writes: Vec<_> = audit.iter().filter(|entry| entry.action == "write").collect();
    assert!(writes.len() == 2 && writes.iter().all(|entry| !entry.allowed), "{writes:?}");
    trial.replace_agreement(|text| text.replace("[Flag.status]", "[Flag]"));
    let taken = post(&trial, &path, &jwt(&trial, &path), &answer("offered")).await;
    assert_eq!(taken.status, 200, "leave to send a type is leave to send its elements: {}", taken.text);
}

#[actix_web::test]
async fn callers_prove_themselves_for_the_address_they_call_and_once() {
    let trial = with_copd().await;
    let body = json!({ "hook": "patient-view", "hookInstance": "1", "context": { "patientId": "x" },
        "prefetch": prefetched("1") });
    assert_eq!(trial.call(TestRequest::post().uri(VIEW).set_json(&body)).await.status, 401);
    assert_eq!(post(&trial, VIEW, &jwt(&trial, "/cds-services/handover-encounter-start"), &body).await.status, 401);
    let token = jwt(&trial, VIEW);
    assert_eq!(post(&trial, VIEW, &token, &body).await.status, 200);
    assert_eq!(post(&trial, VIEW, &token, &body).await.status, 401, "a JWT works once");
    assert_eq!(post(&trial, VIEW, &trial.token("system/Flag.rs"), &body).await.status, 200);
}

#[actix_web::test]
async fn requests_that_do_not_fit_are_told_why() {
    let trial = with_copd().await;
    let ask = |body: Value| {
        let token = jwt(&trial, VIEW);
        let trial = &trial;
        async move { post(trial, VIEW, &token, &body).await }
    };
    let context = json!({ "patientId": "x" });
    let unknown = ask(json!({ "hook": "patient-view", "hookInstance": "1", "context": context })).await;
    assert_eq!(unknown.status, 412, "{}", unknown.text);
    let other = ask(json!({ "hook": "order-sign", "hookInstance": "1", "context": context })).await;
    assert_eq!(other.status, 400);
    let shapeless = ask(json!({ "hook": "patient-view" })).await;
    assert_eq!((shapeless.status.as_u16(), &shapeless.body["resourceType"]), (400, &"OperationOutcome".into()));
    let nothing = "/cds-services/other";
    assert_eq!(
        post(&trial, nothing, &jwt(&trial, nothing), &json!({ "hook": "a", "hookInstance": "1", "context": context }))
            .await
            .status,
        404
    );
}

#[actix_web::test]
async fn discovery_is_open_and_browsers_may_call_from_elsewhere() {
    let trial = Trial::new().await;
    let discovery = trial.call(TestRequest::get().uri("/cds-services")).await;
    let services = discovery.body["services"].as_array().unwrap();
    assert_eq!(services.len(), 2);
    assert_eq!(services[0]["prefetch"]["patient"], "Patient/{{context.patientId}}");
    assert_eq!(discovery.header("access-control-allow-origin"), "*");
    let preflight = TestRequest::with_uri(VIEW).method(actix_web::http::Method::OPTIONS);
    let preflight = trial.call(preflight.insert_header(("origin", "https://ehr.example"))).await;
    assert_eq!(preflight.status, 204);
    assert!(preflight.header("access-control-allow-headers").contains("Authorization"));
}
