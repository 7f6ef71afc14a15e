//! CDS Hooks 2.0 against the running gateway: the question that a diagnosis raises comes up in the visit, is answered there,
//! and falls silent, in the practice's own record too.

use serde_json::{Value, json};

use crate::harness::{adt, code, eventually, minutes_ago};
use crate::partner::{CLIENT, Readers};

const VIEW: &str = "/cds-services/handover-patient-view";

async fn post(readers: &Readers, path: &str, body: &Value) -> (u16, Value) {
    let url = readers.house.url(path);
    let token = readers.lakeside.sign(&readers.claims(CLIENT, &url)).unwrap();
    let response = readers.http.post(url).bearer_auth(token).json(body).send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or_default())
}

/// The cards as the chart of the patient with this number is opened.
async fn cards(readers: &Readers, number: &str) -> Vec<Value> {
    let identifier = json!([{ "system": "urn:oid:2.16.840.1.113883.19.5", "value": number }]);
    let body = json!({ "hook": "patient-view", "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": { "userId": "Practitioner/1", "patientId": "theirs-1" },
        "prefetch": { "patient": { "resourceType": "Patient", "identifier": identifier } } });
    let (status, answer) = post(readers, VIEW, &body).await;
    assert_eq!(status, 200, "{answer}");
    answer["cards"].as_array().unwrap().clone()
}

fn about_the_programme(cards: &[Value]) -> Option<&Value> {
    cards.iter().find(|card| card["summary"] == "Has a self-management programme been offered?")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_question_comes_up_in_the_visit_until_it_is_answered() {
    let readers = Readers::new().await;
    let discovery: Value = reqwest::get(readers.house.url("/cds-services")).await.unwrap().json().await.unwrap();
    let hooks: Vec<&Value> = discovery["services"].as_array().unwrap().iter().map(|one| &one["hook"]).collect();
    assert_eq!(hooks, [&json!("patient-view"), &json!("encounter-start")]);

    let mut hospital = readers.house.hospital().await;
    for (control, number) in [("1", "4711"), ("2", "9999")] {
        let message = adt("A04", control, number, &format!("V{control}"), &minutes_ago(30));
        assert_eq!(code(&hospital.send(&message).await), "AA");
    }
    assert_eq!(cards(&readers, "9999").await, Vec::<Value>::new(), "no agreement covers this patient");
    let shown = cards(&readers, "4711").await;
    let card = about_the_programme(&shown).unwrap_or_else(|| panic!("{shown:#?}"));
    assert!(card["summary"].as_str().unwrap().chars().count() <= 140 && card["source"]["label"].is_string());
    let flags = || {
        let held = readers.house.ehr.all("Flag").into_iter();
        held.map(|held| held.resource.text("status").unwrap_or_default().to_string()).collect::<Vec<_>>()
    };
    eventually("the practice's record has the question", async || flags().iter().any(|status| status == "active"))
        .await;

    let suggestion = &card["suggestions"][0];
    let body = json!({ "feedback": [{ "card": card["uuid"], "outcome": "accepted",
        "acceptedSuggestions": [{ "id": suggestion["uuid"] }], "outcomeTimestamp": "2026-03-02T10:05:00Z" }] });
    let (status, answer) = post(&readers, &format!("{VIEW}/feedback"), &body).await;
    assert_eq!(status, 200, "{answer}");
    let after = cards(&readers, "4711").await;
    assert_eq!(about_the_programme(&after), None);
    assert!(!after.is_empty(), "the other questions stay");
    eventually("the practice's record has it answered", async || flags().iter().any(|status| status == "inactive"))
        .await;
    let audit = readers.house.running.gateway.store.audit(None, None, 1000).await.unwrap().items;
    let shown = |entry: &handover::store::AuditEntry| entry.action == "card" && entry.allowed;
    assert!(audit.iter().any(shown), "each card that was shown is on record");
    let nobody = readers.http.post(readers.house.url(VIEW)).json(&json!({})).send().await.unwrap();
    assert!([400, 401].contains(&nobody.status().as_u16()), "{}", nobody.status());
    readers.house.running.stop().await;
}
