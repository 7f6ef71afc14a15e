//! `$validate` as partners meet it.

use actix_web::test::TestRequest;
use serde_json::{Value, json};

use crate::web::trial::{Answer, Trial};

async fn post(trial: &Trial, path: &str, body: &str) -> Answer {
    let token = trial.token("system/Task.rs");
    let request = TestRequest::post().uri(path).insert_header(("authorization", format!("Bearer {token}")));
    trial.call(request.insert_header(("content-type", "application/fhir+json")).set_payload(body.to_string())).await
}

fn errors(answer: &Answer) -> Vec<&Value> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.body["resourceType"], "OperationOutcome");
    let issues = answer.body["issue"].as_array().unwrap();
    issues.iter().filter(|issue| issue["severity"] == "error").collect()
}

#[actix_web::test]
async fn an_outcome_tells_each_fault_with_its_place_whether_valid_or_not() {
    let trial = Trial::new().await;
    let wrong = "{ \"resourceType\": \"Patient\",\n  \"gender\": \"F\" }";
    let answer = post(&trial, "/fhir/Patient/$validate", wrong).await;
    let found = errors(&answer);
    assert_eq!(found.len(), 1, "{}", answer.text);
    assert_eq!((&found[0]["expression"], &found[0]["location"]), (&json!(["Patient.gender"]), &json!(["2:13"])));
    let right = post(&trial, "/fhir/Patient/$validate", &wrong.replace("\"F\"", "\"female\"")).await;
    assert_eq!(errors(&right).len(), 0, "{}", right.text);
    let other = post(&trial, "/fhir/Task/$validate", &wrong.replace("\"F\"", "\"female\"")).await;
    assert!(errors(&other)[0]["diagnostics"].as_str().unwrap().contains("as a Task"), "{}", other.text);
    let twice =
        post(&trial, "/fhir/Patient/%24validate", "{\"resourceType\":\"Patient\",\"active\":true,\"active\":true}")
            .await;
    assert!(errors(&twice)[0]["diagnostics"].as_str().unwrap().contains("twice"), "{}", twice.text);
}

#[actix_web::test]
async fn parameters_hold_the_resource_and_the_profile() {
    let trial = Trial::new().await;
    let us_core = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient";
    let patient = json!({ "resourceType": "Patient", "gender": "F" });
    let body = json!({ "resourceType": "Parameters", "parameter": [
        { "name": "profile", "valueUri": us_core }, { "name": "mode", "valueCode": "profile" },
        { "name": "resource", "resource": patient } ] });
    let answer = post(&trial, "/fhir/Patient/$validate", &body.to_string()).await;
    let found = errors(&answer);
    let places: Vec<&str> = found.iter().map(|issue| issue["expression"][0].as_str().unwrap()).collect();
    assert!(places.contains(&"Patient.name") && places.contains(&"Patient.gender"), "{}", answer.text);
    let gender = found.iter().find(|issue| issue["expression"][0] == "Patient.gender").unwrap();
    let column = body.to_string().find("\"F\"").unwrap() + 1;
    assert_eq!(gender["location"][0], format!("1:{column}"));
    let by_query = post(&trial, &format!("/fhir/Patient/$validate?profile={us_core}"), &patient.to_string()).await;
    assert_eq!(errors(&by_query).len(), found.len(), "{}", by_query.text);
}

#[actix_web::test]
async fn what_cannot_be_checked_is_refused_with_a_reason() {
    let trial = Trial::new().await;
    let patient = "{\"resourceType\":\"Patient\"}";
    let empty = "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"mode\",\"valueCode\":\"create\"}]}";
    let large = format!("{{\"resourceType\":\"Patient\",\"id\":\"{}\"}}", "x".repeat(2 << 20));
    for (path, body, status, part) in [
        ("/fhir/Patient/$validate", "{", 400, "not readable as JSON"),
        ("/fhir/Patient/$validate", "{}", 400, "no FHIR resource"),
        ("/fhir/Patient/$validate", "{\"resourceType\":\"Parameters\"}", 400, "no parameter `resource`"),
        ("/fhir/Patient/$validate", empty, 400, "only trying it tells"),
        ("/fhir/Patient/$validate?mode=delete", patient, 400, "only trying it tells"),
        ("/fhir/Patient/$validate?profile=http://nobody.example/p", patient, 400, "nothing was checked"),
        ("/fhir/Patent/$validate", patient, 404, "no resource of this type"),
        ("/fhir/Patient/$validate", large.as_str(), 413, "bytes"),
    ] {
        let answer = post(&trial, path, body).await;
        assert_eq!(answer.status.as_u16(), status, "{path} {}", answer.text);
        assert_eq!(answer.body["resourceType"], "OperationOutcome", "{path}");
        assert!(answer.text.contains(part), "{path} {}", answer.text);
    }
    let bare = trial.call(TestRequest::post().uri("/fhir/Patient/$validate").set_payload(patient)).await;
    assert_eq!(bare.status, 401);
    let token = trial.token("system/Task.rs");
    let xml =
        TestRequest::post().uri("/fhir/Patient/$validate").insert_header(("content-type", "application/fhir+xml"));
    let xml =
        trial.call(xml.insert_header(("authorization", format!("Bearer {token}"))).set_payload("<Patient/>")).await;
    assert_eq!(xml.status, 415);
    assert_eq!(trial.get("/fhir/Patient/$validate").await.status, 405);
    assert_eq!(trial.audit().await.len(), 0, "nothing of a record was shown");
}

#[actix_web::test]
async fn the_operation_is_announced() {
    let trial = Trial::new().await;
    let metadata = trial.get("/fhir/metadata").await;
    let resources = metadata.body["rest"][0]["resource"].as_array().unwrap();
    let validates = |resource: &Value| {
        resource["operation"].as_array().unwrap().iter().any(|operation| operation["name"] == "validate")
    };
    assert!(resources.iter().all(validates), "{}", metadata.text);
}
