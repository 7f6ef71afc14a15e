//! Updates that create (`update-create` of an agreement): a client that knows things by ids of its own.

use reqwest::Method;
use serde_json::{Value, json};

use crate::messages::OID;
use crate::writing::{Practice, saturation, send};

const SENDS: &str = "Patient, Observation, Encounter, Goal, Binary, Flag.status";

async fn practice(word: &str) -> Practice {
    Practice::with(SENDS, &|name, text| match name {
        "agreements/lakeside-practice.yaml" => format!("{text}\n{word}\n"),
        _ => text,
    })
    .await
}

fn stated(of: &Value, kind: &str) -> Value {
    let listed = of["rest"][0]["resource"].as_array().unwrap();
    listed.iter().find(|one| one["type"] == kind).unwrap()["updateCreate"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_of_an_id_of_the_clients_own_creates_and_then_updates() {
    let practice = practice("update-create: true").await;
    let statement = practice.ehr.get("metadata").await.1;
    assert_eq!((stated(&statement, "Observation"), stated(&statement, "Flag")), (json!(true), json!(false)));
    assert_eq!((stated(&statement, "Task"), stated(&statement, "Binary")), (json!(false), json!(false)));
    let patient = json!({ "resourceType": "Patient", "id": "p-7", "identifier": [{ "system": OID, "value": "4712" }], "name": [{ "family": "Ito" }] });
    let made = send(&practice.ehr, Method::PUT, "Patient/p-7", &patient, &[]).await;
    let place = made.is(201).place();
    assert!(place.starts_with("Patient/") && place != "Patient/p-7");
    // What refers to the patient by that id is the patient's.
    let mut reading = saturation(json!({ "reference": "Patient/p-7" }), 93, "2026-03-04T10:00:00Z");
    reading["id"] = json!("o.1");
    let first = send(&practice.ehr, Method::PUT, "Observation/o.1", &reading, &[]).await;
    first.is(201);
    assert_eq!(first.body["subject"]["reference"], json!(place));
    let base = practice.readers.house.url("");
    let number = json!({ "system": format!("{base}/ids/lakeside-practice/observation"), "value": "o.1" });
    assert_eq!(first.body["identifier"], json!([number]));
    reading["valueQuantity"]["value"] = json!(94);
    reading["status"] = json!("corrected");
    let second = send(&practice.ehr, Method::PUT, "Observation/o.1", &reading, &[]).await;
    assert_eq!(second.is(200).place(), first.place());
    assert_eq!((&second.body["valueQuantity"]["value"], &second.body["status"]), (&json!(94), &json!("corrected")));
    let found = practice.ehr.search("Observation?identifier=o.1&_summary=count").await;
    assert_eq!(found["total"], 1);
    let goal = json!({ "resourceType": "Goal", "lifecycleStatus": "active", "subject": { "reference": "Patient/p-7" }, "description": { "text": "walk" } });
    let goal = send(&practice.ehr, Method::POST, "Goal", &goal, &[]).await;
    assert_eq!(goal.is(201).body["subject"]["reference"], json!(place));
    // A number of the hospital's stays the first.
    let visit = json!({ "resourceType": "Encounter", "id": "v-1", "status": "in-progress", "class": { "code": "EMER", "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode" },
        "identifier": [{ "system": "urn:lakeside:visit", "value": "88" }], "subject": { "reference": "Patient/p-7" } });
    let visit = send(&practice.ehr, Method::PUT, "Encounter/v-1", &visit, &[]).await;
    let place = visit.is(201).place();
    let found = practice.ehr.search("Encounter?identifier=urn:lakeside:visit|88").await;
    assert_eq!(place, format!("Encounter/{}", found["entry"][0]["resource"]["id"].as_str().unwrap()));
    // In a transaction and a batch, whose entries call each other so.
    let mut entries = Vec::new();
    for (number, method) in [("t1", "PUT"), ("t2", "PUT")] {
        let mut one = saturation(json!({ "reference": "Patient/p-7" }), 95, "2026-03-05T10:00:00Z");
        one["id"] = json!(number);
        if number == "t2" {
            one["derivedFrom"] = json!([{ "reference": "Observation/t1" }]);
        }
        entries
            .push(json!({ "request": { "method": method, "url": format!("Observation/{number}") }, "resource": one }));
    }
    for (kind, status) in [("transaction", "201"), ("batch", "200"), ("transaction", "200")] {
        let bundle = json!({ "resourceType": "Bundle", "type": kind, "entry": entries });
        let done = send(&practice.ehr, Method::POST, "", &bundle, &[("prefer", "return=representation")]).await;
        done.is(200);
        for entry in done.body["entry"].as_array().unwrap() {
            assert!(entry["response"]["status"].as_str().unwrap().starts_with(status), "{kind}: {entry}");
        }
        let resource = &done.body["entry"][1]["resource"];
        let location = done.body["entry"][0]["response"]["location"].as_str().unwrap();
        assert!(location.contains(resource["derivedFrom"][0]["reference"].as_str().unwrap()), "{resource}");
    }
    // What cannot be.
    let mut other = reading.clone();
    other["id"] = json!("o.2");
    send(&practice.ehr, Method::PUT, "Observation/o.1", &other, &[]).await.is(400);
    send(&practice.ehr, Method::PUT, "Observation/o.2", &other, &[("if-match", "W/\"1\"")]).await.is(412);
    send(&practice.ehr, Method::PUT, "Observation/o.1", &reading, &[("if-none-match", "*")]).await.is(412);
    other["subject"] = json!({ "reference": "Patient/unknown" });
    send(&practice.ehr, Method::PUT, "Observation/o.2", &other, &[]).await.is(422);
    send(&practice.ehr, Method::PUT, "Observation/o_2", &other, &[]).await.is(405);
    let nobody = json!({ "resourceType": "Patient", "id": "p-8", "name": [{ "family": "Nobody" }] });
    send(&practice.ehr, Method::PUT, "Patient/p-8", &nobody, &[]).await.is(422);
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_word_ids_are_given_here() {
    let practice = practice("").await;
    assert_eq!(stated(&practice.ehr.get("metadata").await.1, "Observation"), json!(false));
    let mut reading =
        saturation(json!({ "reference": format!("Patient/{}", practice.patient) }), 93, "2026-03-04T10:00:00Z");
    reading["id"] = json!("o1");
    let refused = send(&practice.ehr, Method::PUT, "Observation/o1", &reading, &[]).await;
    assert!(refused.is(405).body.to_string().contains("ids are given here"), "{}", refused.body);
    practice.stop().await;
}
