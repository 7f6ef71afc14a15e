//! A practice whose system never calls back is asked what its people did.

use handover::fhir::Resource;
use handover::store::MessageFilter;
use serde_json::{Value, json};

use crate::harness::{House, adt, code, eventually, minutes_ago};

const PARTNER: &str = "partners/lakeside-practice.yaml";

fn polling(name: &str, text: String) -> String {
    match name {
        PARTNER => text.replace("fhir:\n", "fhir:\n  poll_secs: 5\n"),
        _ => text,
    }
}

fn is_call(task: &Resource) -> bool {
    task.codings("code").iter().any(|(_, code)| *code == "ed-follow-up")
}

/// The call after the visit as it stands here, by the copy that the practice holds.
async fn status(house: &House) -> Value {
    let held = house.ehr.all("Task").into_iter().find(|held| is_call(&held.resource)).expect("a call");
    let own = held.resource.identifiers().into_iter().find(|one| one.system.ends_with("/id/task")).unwrap();
    let stored = house.running.gateway.store.resource("Task", own.value.parse().unwrap()).await.unwrap().unwrap();
    Value::from(stored.resource)
}

async fn patches(house: &House) -> Vec<(String, String)> {
    let filter = MessageFilter { feed: Some("fhir:lakeside-practice".into()), ..MessageFilter::default() };
    let kept = house.running.gateway.store.messages(&filter, None, 50).await.unwrap().items;
    kept.into_iter().map(|kept| (kept.event, kept.acknowledged)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_did_at_a_practice_that_never_writes_comes_in_once() {
    let house = House::with(&polling).await;
    let mut hospital = house.hospital().await;
    assert_eq!(code(&hospital.send(&adt("A04", "P1", "4712", "V81", &minutes_ago(200))).await), "AA");
    assert_eq!(code(&hospital.send(&adt("A03", "P2", "4712", "V81", &minutes_ago(40))).await), "AA");
    let holds = async || house.ehr.all("Task").iter().any(|held| is_call(&held.resource));
    eventually("the practice holds the task", holds).await;
    house.ehr.work_on(is_call, |task| {
        task.set("status", json!("in-progress"));
        task.set("owner", json!({ "reference": "Practitioner/12", "display": "Ruth Adler" }));
        task.set("lastModified", json!(jiff::Timestamp::now().to_string()));
        let mut notes = task.get("note").and_then(Value::as_array).cloned().unwrap_or_default();
        notes.push(json!({ "text": "left a message with her son" }));
        task.set("note", Value::Array(notes));
    });
    eventually("it is known here", async || status(&house).await["status"] == "in-progress").await;
    let task = status(&house).await;
    assert!(task["note"].to_string().contains("left a message with her son"), "{task}");
    let owner = task["owner"]["reference"].as_str().unwrap();
    assert!(owner.starts_with("http://127.0.0.1:") && owner.ends_with("/fhir/Practitioner/12"), "{owner}");
    // It is looked at again and says nothing new; the next step is told.
    tokio::time::sleep(std::time::Duration::from_secs(7)).await;
    let before = patches(&house).await;
    assert_eq!(before.iter().filter(|(event, _)| event == "patch Task").count(), 1, "{before:?}");
    house.ehr.work_on(is_call, |task| {
        task.set("status", json!("completed"));
        task.set("lastModified", json!(jiff::Timestamp::now().to_string()));
    });
    eventually("its end is known here", async || status(&house).await["status"] == "completed").await;
    assert!(patches(&house).await.iter().all(|(_, code)| code == "AA"));
    assert!(!house.running.gateway.condition.is_set("poll "));
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_practice_that_cannot_be_asked_is_told_of() {
    let house = House::with(&|name, text| match name {
        PARTNER => polling(name, text).replace("/fhir\n", "/nothing-here\n"),
        _ => text,
    })
    .await;
    eventually("it is told", async || house.running.gateway.condition.is_set("poll lakeside-practice")).await;
    let faults = house.running.gateway.condition.faults();
    let fault = faults.iter().find(|fault| fault.part == "poll lakeside-practice").unwrap();
    assert!(fault.text.contains("cannot be read"), "{}", fault.text);
    house.running.stop().await;
}
