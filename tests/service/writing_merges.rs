//! Two records of one person, told by a FHIR client that assigns the numbers of both.

use handover::store::MessageFilter;
use reqwest::Method;
use serde_json::{Value, json};

use crate::partner::Reader;
use crate::writing::{Practice, Written, patient_of, saturation, send};

const OWN: &str = "urn:oid:2.999.31.7";
const SENDS: &str = "Patient, Observation";

/// A practice that numbers its patients itself and may say so of everybody.
async fn numbering() -> Practice {
    Practice::with(SENDS, &|name, text| match name {
        "partners/lakeside-practice.yaml" => text.replace("client:\n", &format!("client:\n  owns: [\"{OWN}\"]\n")),
        "agreements/lakeside-practice.yaml" => text.replace("patients: { panel: lakeside }", "patients: { all: true }"),
        _ => text,
    })
    .await
}

fn person(number: &str, family: &str) -> Value {
    json!({ "resourceType": "Patient", "identifier": [{ "system": OWN, "value": number }],
        "name": [{ "family": family, "given": ["Ida"] }], "gender": "female", "birthDate": "1948-03-02" })
}

async fn put(ehr: &Reader, place: &str, mut body: Value, links: Value) -> Written {
    body["id"] = json!(place.split_once('/').unwrap().1);
    body["link"] = links;
    let prefer = ("prefer", "return=OperationOutcome");
    send(ehr, Method::PUT, place, &body, &[prefer]).await
}

fn link(kind: &str, place: &str) -> Value {
    json!({ "type": kind, "other": { "reference": place } })
}

#[tokio::test(flavor = "multi_thread")]
async fn who_numbers_both_says_that_one_takes_the_other_over() {
    let practice = numbering().await;
    let ehr = &practice.ehr;
    let first = send(ehr, Method::POST, "Patient", &person("31", "Vogel"), &[]).await.is(201).place();
    let second = send(ehr, Method::POST, "Patient", &person("32", "Vogl"), &[]).await.is(201).place();
    let reading = saturation(json!({ "reference": second }), 93, "2026-11-03T08:00:00Z");
    let reading = send(ehr, Method::POST, "Observation", &reading, &[]).await.is(201).place();

    let going = json!({ "resourceType": "Patient", "active": false, "gender": "unknown",
        "identifier": [{ "system": OWN, "value": "32" }], "name": [{ "family": "Vogl", "given": ["Ida"] }], "birthDate": "1948-03-02" });
    let told = put(ehr, &second, going.clone(), json!([link("replaced-by", &first)])).await;
    told.is(200);
    assert!(told.body.to_string().contains("not taken: gender"), "{}", told.body);

    let (_, gone) = ehr.get(&second).await;
    assert_eq!((&gone["active"], &gone["link"][0]["type"]), (&json!(false), &json!("replaced-by")), "{gone}");
    assert_eq!(gone["link"][0]["other"]["reference"], json!(first));
    let (_, survivor) = ehr.get(&first).await;
    assert_eq!(survivor["link"], json!([link("replaces", &second)]), "{survivor}");
    assert_eq!(survivor["name"][0]["family"], "Vogel");
    let theirs = ehr.ids(&format!("Observation?patient={first}")).await;
    assert!(theirs.iter().any(|id| reading.ends_with(id.as_str())), "{theirs:?}");

    // Said again, from either side, it is true already.
    put(ehr, &second, going, json!([link("replaced-by", &first)])).await.is(200);
    put(ehr, &first, person("31", "Vogel"), json!([link("replaces", &second)])).await.is(200);
    // The other way round it is not.
    let turned = put(ehr, &first, person("31", "Vogel"), json!([link("replaced-by", &second)])).await;
    assert!(turned.is(409).body.to_string().contains("other way round"), "{}", turned.body);

    // Nobody is merged into two.
    let third = send(ehr, Method::POST, "Patient", &person("33", "Vogel"), &[]).await.is(201).place();
    let twice = put(ehr, &third, person("33", "Vogel"), json!([link("replaces", &second)])).await;
    assert!(twice.is(409).body.to_string().contains("that merge stands"), "{}", twice.body);
    // A chain is one record, told in one transaction by the one who stays.
    let mut body = person("33", "Vogel");
    body["link"] = json!([link("replaces", &first)]);
    body["id"] = json!(third.split_once('/').unwrap().1);
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [
        { "resource": body, "request": { "method": "PUT", "url": third } }] });
    send(ehr, Method::POST, "", &bundle, &[]).await.is(200);
    let theirs = ehr.ids(&format!("Observation?patient={third}")).await;
    assert!(theirs.iter().any(|id| reading.ends_with(id.as_str())), "{theirs:?}");
    practice.stop().await;
}

/// One bundle merges two and says something of the one that goes: it lies with the one that stays, whoever comes first in the bundle.
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_with_a_merge_lies_with_the_one_that_stays() {
    let practice = numbering().await;
    let ehr = &practice.ehr;
    for (number, is_merge_first) in [(50, true), (60, false)] {
        let (stays, goes) = (person(&number.to_string(), "Holm"), person(&(number + 1).to_string(), "Holmes"));
        let first = send(ehr, Method::POST, "Patient", &stays, &[]).await.is(201).place();
        let second = send(ehr, Method::POST, "Patient", &goes, &[]).await.is(201).place();
        let mut going = goes.clone();
        going["id"] = json!(second.split_once('/').unwrap().1);
        going["link"] = json!([link("replaced-by", &first)]);
        let reading = saturation(json!({ "reference": second }), 94, "2026-11-04T08:00:00Z");
        let merge = json!({ "resource": going, "request": { "method": "PUT", "url": second } });
        let other = json!({ "resource": reading, "request": { "method": "POST", "url": "Observation" } });
        let entry = if is_merge_first { json!([merge, other]) } else { json!([other, merge]) };
        let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entry });
        send(ehr, Method::POST, "", &bundle, &[]).await.is(200);
        assert_eq!(ehr.ids(&format!("Observation?patient={first}")).await.len(), 1, "{is_merge_first}");
        let (_, gone) = ehr.get(&second).await;
        assert_eq!((&gone["active"], &gone["link"][0]["type"]), (&json!(false), &json!("replaced-by")), "{gone}");
    }
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_number_both_merges_nobody() {
    let practice = numbering().await;
    let ehr = &practice.ehr;
    let own = send(ehr, Method::POST, "Patient", &person("41", "Lindqvist"), &[]).await.is(201).place();
    let hospitals = format!("Patient/{}", patient_of(&practice.readers.house, "9999").await);
    // The hospital's number, a patient that is not there, and a patient who is nobody's: one answer.
    let nobody = format!("Patient/{}", "0".repeat(32));
    for other in [hospitals.as_str(), nobody.as_str()] {
        for kind in ["replaces", "replaced-by"] {
            let told = put(ehr, &own, person("41", "Lindqvist"), json!([link(kind, other)])).await;
            assert!(told.is(422).body.to_string().contains("there is nothing here for you"), "{}", told.body);
        }
    }
    let itself = put(ehr, &own, person("41", "Lindqvist"), json!([link("replaces", &own)])).await;
    assert!(itself.is(409).body.to_string().contains("with itself"), "{}", itself.body);
    let (_, patient) = ehr.get(&own).await;
    assert_eq!(patient.get("link"), None);
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_states_no_number_is_somebody_new_each_time() {
    let practice = numbering().await;
    let ehr = &practice.ehr;
    let walk_in =
        json!({ "resourceType": "Patient", "name": [{ "family": "Smith", "given": ["John"] }], "gender": "male" });
    let first = send(ehr, Method::POST, "Patient", &walk_in, &[("x-request-id", "w-1")]).await.is(201).place();
    // The same request again is the same person; another one is not, though its words are.
    assert_eq!(send(ehr, Method::POST, "Patient", &walk_in, &[("x-request-id", "w-1")]).await.is(201).place(), first);
    let second = send(ehr, Method::POST, "Patient", &walk_in, &[("x-request-id", "w-2")]).await.is(201).place();
    assert_ne!(first, second);
    let (_, patient) = ehr.get(&first).await;
    let number = &patient["identifier"][0];
    assert!(number["system"].as_str().unwrap().ends_with("/id/registration"), "{patient}");
    let theirs =
        format!("Patient?identifier={}|{}", number["system"].as_str().unwrap(), number["value"].as_str().unwrap());
    assert_eq!(ehr.ids(&theirs).await.len(), 1);
    // Two at once in a bundle, one with a reading, and a replay that makes nobody new.
    let one = "urn:uuid:0c2b7f7e-1d6a-4a57-9a63-54e8cf3b1c11";
    let request = |kind: &str| json!({ "method": "POST", "url": kind });
    let reading = saturation(json!({ "reference": one }), 95, "2026-11-03T08:00:00Z");
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [
        { "fullUrl": one, "resource": walk_in, "request": request("Patient") },
        { "resource": walk_in, "request": request("Patient") },
        { "resource": reading, "request": request("Observation") } ] });
    send(ehr, Method::POST, "", &bundle, &[]).await.is(200);
    let smiths = ehr.ids("Patient?name=smith").await.len();
    assert_eq!(smiths, 4);
    let gateway = &practice.readers.house.running.gateway;
    let kept = gateway.store.messages(&MessageFilter::default(), None, 50).await.unwrap().items;
    let bundle = kept.iter().find(|message| message.event.contains("transaction")).expect("the bundle");
    gateway.replay(bundle.sequence, "test").await.unwrap();
    assert_eq!(ehr.ids("Patient?name=smith").await.len(), smiths);
    practice.stop().await;
}
