//! Tasks that come back: what the practice's EHR says of a Task that it was given, and that nothing we do later writes over it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{adt, code, eventually, minutes_ago};
use crate::writing::{Practice, saturation, send};

/// The follow-up Task of a visit that ended, and the place it is at.
async fn follow_up(practice: &Practice) -> (String, Value) {
    let mut hospital = practice.readers.house.hospital().await;
    let answer = hospital.send(&adt("A03", "3", "4711", "V1", &minutes_ago(5))).await;
    assert_eq!(code(&answer), "AA", "{answer}");
    let path = format!("Task?patient={}&code=ed-follow-up&status=requested", practice.patient);
    let task = practice.ehr.search(&path).await["entry"][0]["resource"].clone();
    (format!("Task/{}", task["id"].as_str().expect("a follow-up")), task)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_practice_closes_its_task_and_what_it_said_stays_whatever_comes_later() {
    let practice = Practice::new().await;
    let (place, task) = follow_up(&practice).await;
    let mut taken = task.clone();
    taken["status"] = json!("accepted");
    taken["owner"] = json!({ "display": "Nurse Ann" });
    taken["businessStatus"] = json!({ "text": "calling" });
    taken["note"] = json!([{ "text": "tried at noon" }]);
    taken["priority"] = json!("stat");
    let headers = [("prefer", "return=OperationOutcome"), ("if-match", "W/\"1\"")];
    let answered = send(&practice.ehr, Method::PUT, &place, &taken, &headers).await;
    assert!(answered.is(200).body.to_string().contains("not taken: priority"), "{}", answered.body);
    // The hospital tells more of the visit, and the rules look again.
    let mut hospital = practice.readers.house.hospital().await;
    let more = adt("A08", "4", "4711", "V1", &minutes_ago(2)).replace("Okafor^Rosalind^M", "Okafor^Rosalind^Mary");
    assert_eq!(code(&hospital.send(&more).await), "AA");
    let now = practice.ehr.get(&place).await.1;
    assert_eq!((&now["status"], &now["owner"]["display"]), (&json!("accepted"), &json!("Nurse Ann")));
    assert_eq!((&now["businessStatus"]["text"], &now["note"][0]["text"]), (&json!("calling"), &json!("tried at noon")));
    assert_ne!(now["priority"], "stat");
    let mut done = now.clone();
    done["status"] = json!("completed");
    done["output"] = json!([{ "type": { "text": "Outcome" }, "valueString": "seen" }]);
    let answered = send(&practice.ehr, Method::PUT, &place, &done, &[]).await;
    assert_eq!(
        (&answered.is(200).body["status"], &answered.body["output"][0]["valueString"]),
        (&json!("completed"), &json!("seen"))
    );
    assert!(answered.body["executionPeriod"]["end"].is_string(), "{}", answered.body);
    // It is over: saying the same again changes nothing, and nothing else is taken.
    send(&practice.ehr, Method::PUT, &place, &answered.body, &[]).await.is(200);
    let mut again = answered.body.clone();
    again["status"] = json!("in-progress");
    let refused = send(&practice.ehr, Method::PUT, &place, &again, &[]).await;
    assert!(refused.is(422).body.to_string().contains("stays over"), "{}", refused.body);
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_patched_and_found_by_the_identifier_of_the_copy() {
    let practice = Practice::new().await;
    let (place, _) = follow_up(&practice).await;
    let id = place.split('/').nth(1).unwrap();
    let base = practice.readers.house.url("");
    let condition = format!("Task?identifier={base}/id/task|{id}");
    let known = practice.ehr.get(&place).await.1["identifier"].clone();
    let system = known[0]["system"].as_str().unwrap();
    let by_own = format!("Task?identifier={system}|{id}");
    let patch = json!([{ "op": "replace", "path": "/status", "value": "received" }]);
    let mut request =
        practice.ehr.http.patch(format!("{}/{place}", practice.ehr.base)).bearer_auth(&practice.ehr.token);
    request = request.header("content-type", "application/json-patch+json").body(patch.to_string());
    assert_eq!(request.send().await.unwrap().status(), 200);
    let part = |name: &str, key: &str, value: &str| json!({ "name": name, (key): value });
    let operation = json!({ "resourceType": "Parameters", "parameter": [{ "name": "operation", "part": [
        part("type", "valueCode", "replace"), part("path", "valueString", "Task.status"), part("value", "valueCode", "in-progress") ] }] });
    send(&practice.ehr, Method::PATCH, &by_own, &operation, &[]).await.is(200);
    assert_eq!(practice.ehr.get(&place).await.1["status"], "in-progress");
    // Its copy has our identifier first, and no id of ours.
    let mut copy = practice.ehr.get(&place).await.1;
    copy.as_object_mut().unwrap().remove("id");
    copy["status"] = json!("on-hold");
    copy["statusReason"] = json!({ "text": "patient is travelling" });
    let held = send(&practice.ehr, Method::PUT, &condition, &copy, &[]).await;
    assert_eq!(held.is(200).body["statusReason"]["text"], "patient is travelling");
    copy["id"] = json!("theirs");
    send(&practice.ehr, Method::PUT, &condition, &copy, &[]).await.is(400);
    let mut back = held.body.clone();
    back["status"] = json!("requested");
    let refused = send(&practice.ehr, Method::PUT, &place, &back, &[]).await;
    assert!(refused.is(422).body.to_string().contains("in-progress, completed, failed, cancelled"), "{}", refused.body);
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_people_the_later_word_stands() {
    let practice = Practice::new().await;
    let (place, task) = follow_up(&practice).await;
    let before = task["lastModified"].clone();
    let id = place.split('/').nth(1).unwrap().parse().unwrap();
    let gateway = &practice.readers.house.running.gateway;
    gateway.act(id, handover::pipeline::TaskAction::Accept, "", "console:Maja").await.unwrap();
    let mut stale = task.clone();
    (stale["status"], stale["lastModified"]) = (json!("rejected"), before);
    let refused = send(&practice.ehr, Method::PUT, &place, &stale, &[]).await;
    assert!(refused.is(409).body.to_string().contains("read it again"), "{}", refused.body);
    let mut fresh = practice.ehr.get(&place).await.1;
    fresh["status"] = json!("in-progress");
    fresh["lastModified"] = json!(jiff::Timestamp::now().to_string());
    send(&practice.ehr, Method::PUT, &place, &fresh, &[]).await.is(200);
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_leave_for_the_element_nothing_of_it_is_taken() {
    let practice = Practice::sending("Task.status, Task.statusReason").await;
    let (place, task) = follow_up(&practice).await;
    let mut owned = task.clone();
    (owned["status"], owned["owner"]) = (json!("accepted"), json!({ "display": "Ann" }));
    let refused = send(&practice.ehr, Method::PUT, &place, &owned, &[]).await;
    assert_eq!(refused.is(403).body["issue"][0]["expression"], json!(["Task.owner"]));
    assert_eq!(practice.ehr.get(&place).await.1["status"], "requested");
    let mut taken = task.clone();
    taken["status"] = json!("accepted");
    send(&practice.ehr, Method::PUT, &place, &taken, &[]).await.is(200);
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_comes_back_as_it_was_sent_with_the_patient_under_the_practices_own_number() {
    let practice = Practice::new().await;
    follow_up(&practice).await;
    let house = &practice.readers.house;
    let is_it = |task: &Value| task["code"]["coding"].to_string().contains("\"ed-follow-up\"");
    let held = || house.ehr.all("Task").into_iter().map(|held| Value::from(held.resource)).find(is_it);
    eventually("the practice holds the follow-up", async || held().is_some()).await;
    let mut copy = held().unwrap();
    let number = copy["for"]["identifier"].clone();
    assert_eq!(
        (number["system"].as_str(), copy["for"].get("reference")),
        (Some("https://lakeside-practice.example/member"), None)
    );
    let own = &copy["identifier"][0];
    let condition = format!("Task?identifier={}|{}", own["system"].as_str().unwrap(), own["value"].as_str().unwrap());
    copy["status"] = json!("completed");
    copy["lastModified"] = json!(jiff::Timestamp::now().to_string());
    let closed = send(&practice.ehr, Method::PUT, &condition, &copy, &[]).await;
    assert_eq!(closed.is(200).body["status"], "completed");
    let reading =
        saturation(json!({ "type": "Patient", "identifier": number }), 95, &jiff::Timestamp::now().to_string());
    let taken = send(&practice.ehr, Method::POST, "Observation", &reading, &[]).await;
    assert_eq!(taken.is(201).body["subject"]["reference"], format!("Patient/{}", practice.patient));
    // A number that is on no panel is nobody's.
    let nobody = json!({ "type": "Patient", "identifier": { "system": number["system"], "value": "L-0" } });
    let refused = send(&practice.ehr, Method::POST, "Observation", &saturation(nobody, 95, "2026-03-02"), &[]).await;
    refused.is(422);
    practice.stop().await;
}
