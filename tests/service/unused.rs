//! What could not be used, from the message to the store, the metric and the answer, through a whole gateway.

use serde_json::{Value, json};

use crate::harness::{House, adt, code, minutes_ago};

async fn ask(house: &House, request: Value) -> Value {
    let data = house.folder.path().join("data");
    handover::app::ask(&data, "/operation", &request).await.unwrap().unwrap()
}

async fn list(house: &House, kind: &str) -> Vec<Value> {
    let request = json!({ "operation": "unused-list", "feed": "riverside", "kind": kind, "open": false, "after": null, "count": 50 });
    ask(house, request).await["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_used_is_counted_once_per_message_and_answered() {
    let house = House::with(&|name, text| {
        if name == "feeds/riverside.yaml" {
            text.replacen("title:", "responsible: Interface desk\ntitle:", 1)
        } else {
            text
        }
    })
    .await;
    let mut hospital = house.hospital().await;
    assert_eq!(code(&hospital.send(&adt("A04", "U1", "4711", "V1", &minutes_ago(90))).await), "AA");
    let unknown = adt("A04", "U2", "4711", "V1", &minutes_ago(4)).replace("ADT^A04^ADT_A01", "ADT^A99^ADT_A99");
    for _ in 0..3 {
        assert_eq!(code(&hospital.send(&unknown).await), "AR");
    }
    let refused = list(&house, "event").await;
    assert_eq!(refused.len(), 1);
    let cause = &refused[0];
    assert_eq!(
        (&cause["about"], &cause["count"]),
        (&json!("ADT^A99"), &json!(1)),
        "a message sent three times counts once"
    );
    assert_eq!((&cause["work"]["state"], &cause["responsible"]), (&json!("open"), &json!("Interface desk")));
    let answer = json!({ "operation": "unused-answer", "id": &cause["id"].as_str().unwrap()[..8], "state": "answered",
                         "note": "told the sender", "who": "maria" });
    ask(&house, answer).await;
    assert_eq!(list(&house, "event").await[0]["work"]["note"], "told the sender");
    assert_eq!(code(&hospital.send(&unknown.replace("|U2|", "|U3|")).await), "AR");
    let again = &list(&house, "event").await[0];
    assert_eq!((&again["count"], &again["work"]["state"]), (&json!(2), &json!("open")));

    let fields = list(&house, "field").await;
    assert!(
        fields.iter().all(|field| field["work"].is_null()),
        "a field that nobody reads is nobody's work: {fields:?}"
    );
    let page = reqwest::get(house.url("/metrics")).await.unwrap().text().await.unwrap();
    assert!(page.contains(r#"handover_unused_total{feed="riverside",kind="event"} 2"#), "{page}");
    house.running.stop().await;
}
