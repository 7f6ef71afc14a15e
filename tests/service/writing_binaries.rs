//! What belongs to something else, and what a partner writes beside what is ours: Binaries, Provenances, Flags; and transactions as large
//! as they come.

use reqwest::Method;
use serde_json::{Value, json};

use crate::messages::OID;
use crate::partner::Reader;
use crate::peers_hospital::hospital;
use crate::writing::{Practice, patient_of, saturation, send};

const DOCUMENT: &str = "urn:uuid:7c1b0d7e-54a3-4a52-9d5e-1f6f1f0a0001";
const BINARY: &str = "urn:uuid:7c1b0d7e-54a3-4a52-9d5e-1f6f1f0a0002";
const TEXT: &str = "Zürich, 3 Mar: all well.";

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

fn by_number(number: &str) -> Value {
    json!({ "type": "Patient", "identifier": { "system": OID, "value": number } })
}

fn post(url: Option<&str>, resource: Value) -> Value {
    let kind = resource["resourceType"].clone();
    let mut entry = json!({ "request": { "method": "POST", "url": kind }, "resource": resource });
    if let Some(url) = url {
        entry["fullUrl"] = json!(url);
    }
    entry
}

fn transaction(entries: Vec<Value>) -> Value {
    json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries })
}

/// A letter and its text, which refer to each other, and to the letter's own narrative.
fn letter(labels: Value) -> Value {
    let div = format!(
        "<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"{BINARY}\">the letter</a><img src='{BINARY}' alt=\"\"/></div>"
    );
    let mut document = json!({ "resourceType": "DocumentReference", "status": "current", "subject": by_number("4711"),
        "text": { "status": "generated", "div": div },
        "content": [{ "attachment": { "contentType": "text/plain; charset=utf-8", "url": BINARY } }] });
    if !labels.is_null() {
        document["meta"] = json!({ "security": [labels] });
    }
    let binary = json!({ "resourceType": "Binary", "contentType": "text/plain; charset=utf-8", "data": base64(TEXT),
        "securityContext": { "reference": DOCUMENT } });
    transaction(vec![post(Some(DOCUMENT), document), post(Some(BINARY), binary)])
}

fn places(answer: &Value) -> Vec<String> {
    let entries = answer["entry"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let place = |entry: &Value| {
        let location = entry["response"]["location"].as_str().unwrap_or_else(|| panic!("{entry}"));
        let path = location.split("/fhir/").last().unwrap();
        path.split("/_history").next().unwrap().to_string()
    };
    entries.iter().map(place).collect()
}

/// The status, the content type and the bytes of a read.
async fn read_as(reader: &Reader, path: &str, accept: Option<&str>) -> (u16, String, Vec<u8>) {
    let request = reader.http.get(format!("{}/{path}", reader.base)).bearer_auth(&reader.token);
    let request = accept.into_iter().fold(request, |request, accept| request.header("accept", accept));
    let response = request.send().await.unwrap();
    let kind = response.headers().get("content-type").map(|value| value.to_str().unwrap().to_string());
    (response.status().as_u16(), kind.unwrap_or_default(), response.bytes().await.unwrap().to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_binary_is_read_in_its_own_type_and_never_beyond_its_document() {
    let practice = hospital().await;
    let written = send(&practice.ehr, Method::POST, "", &letter(Value::Null), &[]).await;
    let made = places(&written.is(200).body);
    let (document, binary) = (made[0].clone(), made[1].clone());
    // The two refer to each other; addresses in the attachment and the narrative lead there, too.
    let stored = practice.ehr.get(&document).await.1;
    assert_eq!(stored["content"][0]["attachment"]["url"], json!(binary));
    let div = stored["text"]["div"].as_str().unwrap();
    assert!(div.contains(&format!("href=\"{binary}\"")) && div.contains(&format!("src='{binary}'")), "{div}");
    let as_fhir = read_as(&practice.ehr, &binary, Some("application/fhir+json")).await.2;
    let as_fhir: Value = serde_json::from_slice(&as_fhir).unwrap();
    assert_eq!(
        (&as_fhir["resourceType"], &as_fhir["securityContext"]["reference"]),
        (&json!("Binary"), &json!(document))
    );
    for accept in [None, Some("*/*"), Some("text/plain"), Some("text/*;q=0.5, image/png")] {
        let (status, kind, bytes) = read_as(&practice.ehr, &binary, accept).await;
        assert_eq!(
            (status, kind.as_str(), bytes.as_slice()),
            (200, "text/plain; charset=utf-8", TEXT.as_bytes()),
            "{accept:?}"
        );
    }
    for accept in ["application/fhir+json", "application/json", "application/fhir+json, */*;q=0.1"] {
        let (status, kind, bytes) = read_as(&practice.ehr, &binary, Some(accept)).await;
        assert!(status == 200 && kind.contains("fhir+json"), "{accept} {kind}");
        assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap()["data"], json!(base64(TEXT)));
    }
    assert_eq!(read_as(&practice.ehr, &binary, Some("image/png")).await.0, 406);
    let by_parameter = read_as(&practice.ehr, &format!("{binary}?_format=json"), Some("text/plain")).await.1;
    assert!(by_parameter.contains("json"), "{by_parameter}");
    let found = practice.ehr.search(&format!("Binary?_id={}", binary.split('/').nth(1).unwrap())).await;
    assert_eq!(found["entry"].as_array().map(Vec::len), Some(1), "{found}");
    // Without a word to what it belongs; too large; of a patient who is there, by the patient alone.
    let alone = json!({ "resourceType": "Binary", "contentType": "text/plain", "data": base64("x") });
    let refused = send(&practice.ehr, Method::POST, "Binary", &alone, &[]).await;
    assert!(refused.is(422).body.to_string().contains("securityContext"), "{}", refused.body);
    let mut large = alone.clone();
    large["data"] = json!("QUJD".repeat(750_000));
    large["securityContext"] = json!({ "reference": document });
    let refused = send(&practice.ehr, Method::POST, "Binary", &large, &[]).await;
    assert!(refused.is(413).body.to_string().contains("2 MiB"), "{}", refused.body);
    let mut of_patient = alone.clone();
    of_patient["securityContext"] = json!({ "reference": format!("Patient/{}", practice.patient) });
    send(&practice.ehr, Method::POST, "Binary", &of_patient, &[]).await.is(201);
    // It goes with its letter, and stays gone.
    send(&practice.ehr, Method::DELETE, &document, &Value::Null, &[]).await.is(204);
    assert_eq!(practice.ehr.get(&document).await.0, 410);
    assert_eq!(practice.ehr.get(&binary).await.0, 404);
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_see_a_letter_does_not_see_its_text() {
    let lines =
        "  - { resource: Binary, pull: true }\n  - { resource: DocumentReference, pull: true, without: [content] }\n";
    let practice = Practice::with("Patient, DocumentReference, Binary", &|name, text| match name {
        "agreements/lakeside-practice.yaml" => text.replace("receives:\n", &format!("receives:\n{lines}")),
        _ => text,
    })
    .await;
    let written = send(&practice.ehr, Method::POST, "", &letter(Value::Null), &[("prefer", "return=minimal")]).await;
    let made = places(&written.is(200).body);
    assert_eq!(practice.ehr.get(&made[0]).await.0, 200);
    assert_eq!(practice.ehr.get(&made[1]).await.0, 404, "its content is left out");
    let found = practice.ehr.search("Binary?_summary=count").await;
    assert_eq!(found["total"], 0, "{found}");
    practice.stop().await;
    // A letter that is restricted keeps its text back, too.
    let lines = "  - { resource: Binary, pull: true }\n  - { resource: DocumentReference, pull: true }\n";
    let practice = Practice::with("Patient, DocumentReference, Binary", &|name, text| match name {
        "agreements/lakeside-practice.yaml" => text.replace("receives:\n", &format!("receives:\n{lines}")),
        _ => text,
    })
    .await;
    let restricted = json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R" });
    let written = send(&practice.ehr, Method::POST, "", &letter(restricted), &[("prefer", "return=minimal")]).await;
    let made = places(&written.is(200).body);
    assert_eq!([practice.ehr.get(&made[0]).await.0, practice.ehr.get(&made[1]).await.0], [404, 404]);
    let open = send(&practice.ehr, Method::POST, "", &letter(Value::Null), &[]).await;
    let made = places(&open.is(200).body);
    assert_eq!([practice.ehr.get(&made[0]).await.0, practice.ehr.get(&made[1]).await.0], [200, 200]);
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partners_provenance_and_flag_stand_beside_ours() {
    let practice = hospital().await;
    let reading = send(&practice.ehr, Method::POST, "Condition", &json!({ "resourceType": "Condition", "subject": by_number("4711"),
        "code": { "text": "Cough" }, "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/condition-category", "code": "problem-list-item" }] }],
        "clinicalStatus": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active" }] } }), &[]).await;
    let target = reading.is(201).place();
    let provenance = json!({ "resourceType": "Provenance", "target": [{ "reference": target }], "recorded": "2026-05-04T10:00:00Z",
        "agent": [{ "who": { "display": "Dr Ono" } }] });
    let made = send(&practice.ehr, Method::POST, "Provenance", &provenance, &[]).await;
    let place = made.is(201).place();
    let found = practice.ehr.search(&format!("Provenance?target={target}")).await;
    let names: Vec<&str> = found["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["resource"]["agent"][0]["who"]["display"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"Dr Ono") && names.len() == 2, "{found}");
    // Ours says who wrote theirs; neither is changed.
    let about = practice.ehr.search(&format!("Provenance?target={place}")).await;
    assert_eq!(about["entry"].as_array().map(Vec::len), Some(1), "{about}");
    let ours = about["entry"][0]["resource"]["id"].as_str().unwrap().to_string();
    for id in [place.clone(), format!("Provenance/{ours}")] {
        let mut changed = practice.ehr.get(&id).await.1;
        changed["agent"][0]["who"]["display"] = json!("Nobody");
        send(&practice.ehr, Method::PUT, &id, &changed, &[]).await.is(405);
        send(&practice.ehr, Method::DELETE, &id, &Value::Null, &[]).await.is(405);
        let put = json!({ "request": { "method": "PUT", "url": id }, "resource": changed });
        send(&practice.ehr, Method::POST, "", &transaction(vec![put]), &[]).await.is(405);
    }
    for (name, value) in [
        ("meta", json!({ "profile": ["https://handover.health/StructureDefinition/handover-provenance"] })),
        (
            "agent",
            json!([{ "who": { "identifier": { "system": format!("{}/id/organization", practice.readers.house.url("")), "value": "x" } } }]),
        ),
    ] {
        let mut claims = provenance.clone();
        claims[name] = value;
        send(&practice.ehr, Method::POST, "Provenance", &claims, &[]).await.is(422);
    }
    // A Flag of theirs is changed and taken back by them; ours is not theirs to change.
    let flag = json!({ "resourceType": "Flag", "status": "active", "subject": by_number("4711"), "code": { "text": "Needs an interpreter" },
        "identifier": [{ "system": "urn:lakeside:flag", "value": "F1" }] });
    let place = send(&practice.ehr, Method::POST, "Flag", &flag, &[]).await.is(201).place();
    let mut ended = practice.ehr.get(&place).await.1;
    ended["status"] = json!("inactive");
    send(&practice.ehr, Method::PUT, &place, &ended, &[]).await.is(200);
    assert_eq!(
        practice.ehr.search(&format!("Flag?patient={}&identifier=urn:lakeside:flag|F1", practice.patient)).await["entry"]
            [0]["resource"]["status"],
        "inactive"
    );
    send(&practice.ehr, Method::DELETE, &place, &Value::Null, &[]).await.is(204);
    let own = practice.ehr.search(&format!("Flag?patient={}", practice.patient)).await;
    for one in own["entry"].as_array().into_iter().flatten() {
        let mut ended = one["resource"].clone();
        ended["status"] = json!("inactive");
        let id = format!("Flag/{}", ended["id"].as_str().unwrap());
        let refused = send(&practice.ehr, Method::PUT, &id, &ended, &[]).await;
        assert!(refused.is(403).body.to_string().contains("gateway's own"), "{}", refused.body);
    }
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_entries_are_stored_or_none_is() {
    let practice = hospital().await;
    let patient = json!({ "reference": "urn:uuid:00000000-0000-4000-8000-000000000001" });
    let bundle = |number: &str, fault: bool| {
        let person = json!({ "resourceType": "Patient", "identifier": [{ "system": OID, "value": number }], "name": [{ "family": "Many" }] });
        let mut entries = vec![post(patient["reference"].as_str(), person)];
        for place in 1..1000 {
            let minute = format!("2026-04-{:02}T{:02}:{:02}:00Z", 1 + place / 480, place % 480 / 60, place % 60);
            let mut reading = saturation(patient.clone(), 88 + place % 12, &minute);
            reading["identifier"] = json!([{ "system": "urn:device", "value": format!("{number}-{place}") }]);
            if fault && place == 999 {
                reading["subject"] = json!({ "reference": "urn:uuid:00000000-0000-4000-8000-00000000dead" });
            }
            entries.push(post(None, reading));
        }
        transaction(entries)
    };
    let refused = send(&practice.ehr, Method::POST, "", &bundle("6001", true), &[]).await;
    assert!(refused.is(422).body.to_string().contains("entry[999]"), "{}", refused.body);
    let store = &practice.readers.house.running.gateway.store;
    assert_eq!(store.persons_of(&[crate::partner::mrn("6001")]).await.unwrap(), [None], "nothing is half there");
    let began = std::time::Instant::now();
    let answer = send(&practice.ehr, Method::POST, "", &bundle("6001", false), &[]).await;
    println!("1,000 entries in {:?}", began.elapsed());
    let made = places(&answer.is(200).body);
    assert_eq!(made.len(), 1000);
    let id = patient_of(&practice.readers.house, "6001").await;
    let found = practice.ehr.search(&format!("Observation?patient={id}&_summary=count")).await;
    let distinct: std::collections::BTreeSet<&String> = made.iter().collect();
    assert_eq!((found["total"].as_u64(), distinct.len()), (Some(999), 1000), "{found}");
    // Again: nothing new.
    let again = send(&practice.ehr, Method::POST, "", &bundle("6001", false), &[]).await;
    assert_eq!(places(&again.is(200).body), made);
    assert_eq!(practice.ehr.search(&format!("Observation?patient={id}&_summary=count")).await["total"], 999);
    practice.stop().await;
}
