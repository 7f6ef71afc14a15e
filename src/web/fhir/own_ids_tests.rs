//! Ids of the client's own in addresses and searches, after updates that created under them.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use serde_json::{Value, json};

use crate::identity::ResourceId;
use crate::web::trial::{Answer, Trial, member, stranger};

const SENDS: &str = "Patient, Observation, Encounter]\nupdate-create: true #";

async fn trial() -> Trial {
    let trial = Trial::new().await;
    trial.trust(&["Patient", "Observation", "Encounter", "Task"], SENDS);
    trial
}

async fn ask(trial: &Trial, method: Method, path: &str, body: Option<&Value>) -> Answer {
    let token = trial.token("system/*.cruds");
    // What is written at the very same moment stands in no order.
    trial.clock.advance(jiff::SignedDuration::from_secs(1));
    let mut request = TestRequest::default().method(method.clone()).uri(path);
    request = request.insert_header(("authorization", format!("Bearer {token}")));
    if let Some(body) = body {
        let media = if method == Method::PATCH { "application/json-patch+json" } else { "application/fhir+json" };
        request = request.insert_header(("content-type", media)).set_payload(body.to_string());
    }
    trial.call(request).await
}

async fn get(trial: &Trial, path: &str) -> Answer {
    ask(trial, Method::GET, &format!("/fhir/{path}"), None).await
}

async fn put(trial: &Trial, path: &str, body: &Value) -> Answer {
    ask(trial, Method::PUT, &format!("/fhir/{path}"), Some(body)).await
}

fn patient() -> String {
    format!("Patient/{}", ResourceId::patient(member()))
}

fn visit(id: &str, status: &str) -> Value {
    json!({ "resourceType": "Encounter", "id": id, "status": status, "subject": { "reference": patient() },
        "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB" }, "period": { "start": "2026-03-01T09:30:00Z" } })
}

fn pulse(id: &str, beats: u32) -> Value {
    json!({ "resourceType": "Observation", "id": id, "status": "final", "subject": { "reference": patient() },
        "encounter": { "reference": "Encounter/visit-31" }, "effectiveDateTime": "2026-03-01T10:00:00Z",
        "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs" }] }],
        "code": { "coding": [{ "system": "http://loinc.org", "code": "8867-4" }] },
        "valueQuantity": { "value": beats, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min" } })
}

#[actix_web::test]
async fn what_was_put_under_an_id_is_read_changed_and_deleted_under_it() {
    let trial = trial().await;
    let made = put(&trial, "Encounter/visit-31", &visit("visit-31", "in-progress")).await;
    assert_eq!((made.status.as_u16(), &made.body["id"]), (201, &json!("visit-31")), "{}", made.text);
    let ours = made.header("location").split('/').rev().nth(2).unwrap().to_string();
    assert!(ours.parse::<ResourceId>().is_ok(), "{ours}");
    let read = get(&trial, "Encounter/visit-31").await;
    assert_eq!((read.status.as_u16(), &read.body["id"]), (200, &json!("visit-31")));
    assert_eq!(get(&trial, &format!("Encounter/{ours}")).await.body["id"], json!(ours));
    // What was read is sent back as it is, and with a change.
    let again = put(&trial, "Encounter/visit-31", &read.body).await;
    assert_eq!((again.status.as_u16(), again.header("etag")), (200, read.header("etag")), "{}", again.text);
    let mut ended = again.body;
    ended["status"] = json!("finished");
    let ended = put(&trial, "Encounter/visit-31", &ended).await;
    assert_eq!(ended.body["identifier"].as_array().unwrap().len(), 1);
    let patch = json!([{ "op": "add", "path": "/period/end", "value": "2026-03-01T10:15:00Z" }]);
    let patched = ask(&trial, Method::PATCH, "/fhir/Encounter/visit-31", Some(&patch)).await;
    assert_eq!((patched.status.as_u16(), &patched.body["id"]), (200, &json!("visit-31")), "{}", patched.text);
    let past = get(&trial, "Encounter/visit-31/_history").await;
    let versions = past.body["entry"].as_array().unwrap();
    assert_eq!(versions.len(), 3);
    assert!(versions.iter().all(|one| one["fullUrl"].as_str().unwrap().ends_with("/Encounter/visit-31")));
    assert_eq!(get(&trial, "Encounter/visit-31/_history/1").await.body["status"], "in-progress");
    // Deleted, and written again.
    for _ in 0..2 {
        assert_eq!(ask(&trial, Method::DELETE, "/fhir/Encounter/visit-31", None).await.status, 204);
        assert_eq!(get(&trial, "Encounter/visit-31").await.status, 410);
    }
    assert_eq!(get(&trial, "Encounter/visit-31/_history").await.body["entry"][0]["request"]["method"], "DELETE");
    let back = put(&trial, "Encounter/visit-31", &visit("visit-31", "in-progress")).await;
    assert_eq!(back.status, 201, "{}", back.text);
    let read = get(&trial, "Encounter/visit-31").await;
    assert_eq!(read.body["status"], "in-progress", "{} {}", back.text, read.text);
    for (method, path) in [(Method::GET, "Encounter/visit-32"), (Method::DELETE, "Encounter/visit-32")] {
        assert_eq!(ask(&trial, method, &format!("/fhir/{path}"), None).await.status, 404, "{path}");
    }
    assert_eq!(get(&trial, "Task/visit-31").await.status, 404, "of a type that is not the client's to number");
}

#[actix_web::test]
async fn searches_and_bundles_name_things_by_them() {
    let trial = trial().await;
    put(&trial, "Encounter/visit-31", &visit("visit-31", "in-progress")).await;
    for (id, beats) in [("hr-a", 61), ("hr-b", 118)] {
        let made = put(&trial, &format!("Observation/{id}"), &pulse(id, beats)).await;
        assert_eq!(made.status, 201, "{}", made.text);
    }
    for (search, count) in [
        ("Observation?_id=hr-a", 1),
        ("Observation?_id=hr-a,hr-b,hr-c", 2),
        ("Observation?encounter=Encounter/visit-31", 2),
        ("Observation?encounter=visit-31&value-quantity=gt100", 1),
        ("Observation?encounter:Encounter=visit-31", 2),
        ("Observation?encounter=https://gateway.example/fhir/Encounter/visit-31", 2),
        ("Observation?encounter:not=visit-31", 0),
        ("Observation?encounter=visit-30", 0),
        ("Observation?encounter._id=visit-31", 2),
        ("Encounter?_has:Observation:encounter:_id=hr-b", 1),
        ("Encounter?_has:Observation:encounter:_id=hr-z", 0),
        ("Observation?_filter=encounter%20eq%20Encounter/visit-31", 2),
        ("Observation?_filter=_id%20ne%20hr-b%20and%20encounter%20re%20visit-31", 1),
        ("Observation?_filter=encounter%20ne%20Encounter/visit-31", 0),
        ("Observation?_filter=not%20(_id%20eq%20hr-a)", 1),
        ("Observation?_filter=not%20(encounter%20eq%20https://gateway.example/fhir/Encounter/visit-31)", 0),
        ("Observation?_filter=encounter._id%20eq%20visit-31%20or%20status%20eq%20x", 2),
        ("Observation?encounter._filter=_id%20eq%20visit-31", 2),
        ("Encounter?_has:Observation:encounter:_filter=_id%20eq%20hr-a%20or%20_id%20eq%20hr-z", 1),
    ] {
        let found = get(&trial, search).await;
        if search.contains(":not") {
            assert_eq!(found.status, 400, "{search}");
        } else {
            assert_eq!((found.status.as_u16(), found.ids().len()), (200, count), "{search}: {}", found.text);
            // It says what was asked, not what it means here.
            let own = found.link("self").unwrap().replace("%2F", "/").replace("%3A", ":").replace("%2C", ",");
            let asked = search.rsplit('=').next().unwrap().replace('(', "%28").replace(')', "%29");
            assert!(own.ends_with(&format!("={asked}")) || search.contains('&'), "{search}: {own}");
        }
    }
    let entry = |method: &str, url: &str| json!({ "request": { "method": method, "url": url } });
    let mut patch = entry("PATCH", "Observation/hr-b");
    patch["resource"] = json!({ "resourceType": "Parameters", "parameter": [{ "name": "operation", "part": [
        { "name": "type", "valueCode": "replace" }, { "name": "path", "valueString": "Observation.status" }, { "name": "value", "valueCode": "amended" }] }] });
    for (kind, gone) in [("transaction", "hr-a"), ("batch", "visit-31")] {
        let of = if gone == "hr-a" { "Observation" } else { "Encounter" };
        let entries = [entry("DELETE", &format!("{of}/{gone}")), patch.clone(), entry("GET", "Observation/hr-b")];
        let bundle = json!({ "resourceType": "Bundle", "type": kind, "entry": entries });
        let done = ask(&trial, Method::POST, "/fhir", Some(&bundle)).await;
        assert_eq!(done.status, 200, "{}", done.text);
        let statuses: Vec<_> = done.body["entry"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["response"]["status"].as_str().unwrap()[..3].to_string())
            .collect();
        assert_eq!(statuses, ["204", "200", "200"], "{kind}: {}", done.text);
        assert_eq!(done.body["entry"][2]["resource"]["status"], "amended");
        assert_eq!(get(&trial, &format!("{of}/{gone}")).await.status, 410);
    }
}

#[actix_web::test]
async fn an_id_leads_nobody_to_what_is_not_theirs() {
    let trial = trial().await;
    // Whatever was written under such an identifier.
    let system = "https://gateway.example/ids/practice/observation";
    for (person, key) in [(stranger(), "theirs"), (member(), "ours")] {
        let mut body = pulse("x", 70);
        body["identifier"] = json!([{ "system": system, "value": key }]);
        body["subject"] = json!({ "reference": format!("Patient/{}", ResourceId::patient(person)) });
        trial.add(person, "Observation", key, body).await;
    }
    assert_eq!(get(&trial, "Observation/ours").await.status, 200);
    let (theirs, nothing) = (get(&trial, "Observation/theirs").await, get(&trial, "Observation/nothing").await);
    assert_eq!((theirs.status.as_u16(), &theirs.text), (404, &nothing.text));
    let hidden = ResourceId::of(stranger(), "Observation", "theirs").to_string();
    for search in
        ["_id=theirs", "_id=theirs,nothing&_count=1", "_filter=_id%20eq%20theirs", "_filter=not%20(_id%20eq%20theirs)"]
    {
        let found = get(&trial, &format!("Observation?{search}")).await;
        assert!(!found.ids().contains(&hidden) && !found.text.contains(&hidden), "{search}: {}", found.text);
        let same = get(&trial, &format!("Observation?{}", search.replace("theirs", "nobody"))).await;
        assert_eq!(found.ids(), same.ids(), "{search}");
    }
    // Without the word no id but ours is one.
    trial.trust(&["Observation"], "Observation");
    assert_eq!(get(&trial, "Observation/ours").await.status, 404);
}

#[actix_web::test]
async fn many_are_looked_up_together_and_none_is_crowded_out() {
    let trial = trial().await;
    let add = async |key: &str, value: &str| {
        let mut body = pulse("x", 70);
        body["identifier"] = json!([{ "system": "https://gateway.example/ids/practice/observation", "value": value }]);
        trial.add(member(), "Observation", key, body).await;
    };
    add("one", "single").await;
    // What somebody wrote by hand under one id, all of it newer.
    for number in 0..24 {
        add(&format!("crowd {number}"), "crowd").await;
    }
    let both = get(&trial, "Observation?_id=crowd,single").await.ids();
    assert!(both.len() == 2 && both.contains(&ResourceId::of(member(), "Observation", "one").to_string()), "{both:?}");
    let among = |letter: char| (1..100).map(|number| format!("{letter}{number},")).collect::<String>() + "single";
    let found = get(&trial, &format!("Observation?_id={}&_id={}", among('x'), among('y'))).await;
    assert_eq!(found.ids().len(), 1, "{}", found.text);
}
