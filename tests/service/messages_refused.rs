//! FHIR messages that cannot be taken: each is answered with what is wrong, where, and what to change, and nothing of it is done.

use reqwest::Method;
use serde_json::{Value, json};

use crate::messages::{Notice, OID, ago, outcome, response};
use crate::partner::CLIENT;
use crate::writing::{Practice, send};

const SENDS: &str = "Patient, Encounter, Condition, Practitioner, Location, Organization";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_message_for_us_says_why() {
    let practice = Practice::sending(SENDS).await;
    let fresh = || Notice::admit("4713", "R1", 30);
    let header = "/entry/0/resource";
    let mut swapped = fresh();
    swapped.bundle["entry"].as_array_mut().unwrap().swap(0, 1);
    let mut two = fresh();
    let second = two.bundle["entry"][0].clone();
    two.bundle["entry"].as_array_mut().unwrap().push(second);
    // What names no message to answer is answered by its fault alone.
    for (told, status, words) in [
        (fresh().with("/type", json!("collection")), 400, "type `message`"),
        (swapped, 400, "here it is entry[1]"),
        (fresh().with("/entry", json!([])), 400, "no entries"),
        (fresh().without("/entry/0/resource/id").without("/entry/0/fullUrl"), 400, "no `id`"),
        (two, 400, "one MessageHeader"),
        (
            fresh().with(&format!("{header}/response"), json!({ "identifier": "x", "code": "ok" })),
            422,
            "answers a message",
        ),
        (
            fresh().with(&format!("{header}/eventCoding/code"), json!("notification-birth")),
            422,
            "known are notification-admit",
        ),
        (
            fresh().with(&format!("{header}/destination"), json!([{ "endpoint": "https://elsewhere.example/fhir" }])),
            422,
            "$process-message",
        ),
        (fresh().with(&format!("{header}/focus"), json!([{ "reference": "urn:uuid:none" }])), 422, "focus[0]"),
        (fresh().with(&format!("{header}/focus/0/reference"), json!("Encounter/none")), 422, "focus"),
        (
            fresh().with("/entry/1/resource/subject", json!({ "reference": "urn:uuid:gone" })),
            422,
            "entry[1].resource.subject",
        ),
        (
            fresh().with("/entry/6/resource/encounter", json!({ "reference": "urn:uuid:gone" })),
            422,
            "entry[6].resource.encounter",
        ),
        (fresh().with("/entry/1/resource/subject", json!({ "display": "her" })), 422, "entry[1].resource.subject"),
        (fresh().with("/entry/1/resource/status", json!("begun")), 422, "entry[1].resource.status"),
        (fresh().with("/entry/2/resource/identifier", json!([{ "system": "urn:x", "value": "1" }])), 422, "entry[2]"),
        (fresh().without("/entry/2/resource/identifier"), 422, "names its patient by a number"),
        // 9999 is known and on nobody's panel, 8888 is nobody: the answers do not tell them apart.
        (
            fresh().with("/entry/2/resource/identifier", json!([{ "system": OID, "value": "9999" }])),
            403,
            "entry[2].resource.identifier",
        ),
        (
            fresh().with("/entry/2/resource/identifier", json!([{ "system": OID, "value": "8888" }])),
            403,
            "entry[2].resource.identifier",
        ),
        (
            Notice::new("notification-discharge", "4713", "R1", 30, None)
                .with("/entry/1/resource/status", json!("planned")),
            422,
            "only one of them",
        ),
    ] {
        let refused = told.to(&practice).await;
        assert_eq!(refused.status, status, "{words}: {}", refused.body);
        assert!(refused.body.to_string().contains(words), "{words}: {}", refused.body);
        if refused.body["resourceType"] == "Bundle" {
            assert_eq!(response(&refused.body)["code"], "fatal-error");
            assert!(outcome(&refused.body).contains("\"severity\":\"error\""), "{}", refused.body);
        }
    }
    let found = practice.ehr.search("Encounter?identifier=urn:bayview:visit|R1&_summary=count").await;
    assert_eq!(found["total"], 0, "nothing half done");
    let post = async |path: &str, body: &Value| send(&practice.ehr, Method::POST, path, body, &[]).await;
    for path in ["$process-message?async=true", "$process-message?response-url=https://a.example"] {
        let refused = post(path, &fresh().bundle).await;
        assert!(refused.is(400).body.to_string().contains("leave `async` and `response-url` out"), "{}", refused.body);
    }
    let later = json!({ "resourceType": "Parameters", "parameter": [{ "name": "content", "resource": fresh().bundle }, { "name": "async", "valueBoolean": true }] });
    let refused = post("$process-message", &later).await;
    assert!(refused.is(400).body["issue"][0]["expression"].to_string().contains("parameter[1]"), "{}", refused.body);
    assert_eq!(practice.ehr.get("$process-message").await.0, 405);
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_patients_are_told_apart_and_never_mixed() {
    let practice = Practice::sending(SENDS).await;
    let other = |reference: &str| {
        let mut notice = Notice::admit("4713", "R2", 30);
        let entries = notice.bundle["entry"].as_array_mut().unwrap();
        let (mut visit, mut person) = (entries[1].clone(), entries[2].clone());
        visit["fullUrl"] = json!("urn:uuid:second-visit");
        visit["resource"]["identifier"][0]["value"] = json!("R3");
        visit["resource"]["subject"]["reference"] = json!(reference);
        visit["resource"].as_object_mut().unwrap().shift_remove("diagnosis");
        person["fullUrl"] = json!("urn:uuid:second-person");
        person["resource"]["identifier"][0]["value"] = json!("4714");
        visit["resource"]["period"] = entries[1]["resource"]["period"].clone();
        entries.extend([visit, person]);
        let focus = notice.bundle["entry"][0]["resource"]["focus"].as_array_mut().unwrap();
        focus.push(json!({ "reference": "urn:uuid:second-visit" }));
        notice
    };
    other("urn:uuid:second-person").to(&practice).await.is(200);
    for (visit, patient) in [("R2", "4713"), ("R3", "4714")] {
        let id = crate::writing::patient_of(&practice.readers.house, patient).await;
        let found = practice.ehr.search(&format!("Encounter?identifier=urn:bayview:visit|{visit}")).await;
        assert_eq!(found["entry"][0]["resource"]["subject"]["reference"], json!(format!("Patient/{id}")));
    }
    // A diagnosis of the one for a visit of the other.
    let mixed = other("urn:uuid:second-person")
        .with("/id", json!("mixed"))
        .with("/entry/6/resource/encounter", json!({ "reference": "urn:uuid:second-visit" }));
    assert!(outcome(&mixed.to(&practice).await.is(422).body).contains("another patient's"));
    // Two visits at two times.
    let apart = other("urn:uuid:second-person")
        .with("/id", json!("apart"))
        .with("/entry/7/resource/identifier/0/value", json!("R9"))
        .with("/entry/7/resource/period", json!({ "start": ago(50) }));
    let start = apart.bundle["entry"][7]["resource"]["period"]["start"].clone();
    apart.to(&practice).await.is(200);
    let found = practice.ehr.search("Encounter?identifier=urn:bayview:visit|R9").await;
    assert_eq!(found["entry"][0]["resource"]["period"]["start"], start);
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_tell_is_told_what_is_lacking() {
    let practice = Practice::sending("Encounter, Condition").await;
    let refused = Notice::admit("4713", "R4", 30).to(&practice).await;
    let said = refused.is(403).body.to_string();
    assert!(said.contains("Patient") && said.contains("agreements/lakeside-practice.yaml:"), "{said}");
    practice.stop().await;
    let practice = Practice::sending(SENDS).await;
    let statement = practice.ehr.get("metadata").await.1;
    let messaging = &statement["messaging"][0];
    assert!(messaging["endpoint"][0]["address"].as_str().unwrap().ends_with("/fhir/$process-message"), "{messaging}");
    assert!(statement["rest"][0]["operation"].to_string().contains("MessageHeader-process-message"), "{statement}");
    let narrow =
        practice.readers.reader(&practice.readers.lakeside, CLIENT, "system/Encounter.c system/Patient.c").await;
    let refused = send(&narrow, Method::POST, "$process-message", &Notice::admit("4713", "R5", 30).bundle, &[]).await;
    assert!(refused.is(403).body.to_string().contains("system/Condition.c"), "{}", refused.body);
    let reader = practice.readers.reader(&practice.readers.lakeside, CLIENT, "system/Encounter.rs").await;
    let refused = send(&reader, Method::POST, "$process-message", &Notice::admit("4713", "R5", 30).bundle, &[]).await;
    refused.is(403);
    let statement = reader.get("metadata").await.1;
    assert!(statement.get("messaging").is_none() && statement["rest"][0].get("operation").is_none(), "{statement}");
    practice.stop().await;
}
