//! Readings of devices as vendors' gateways send them: many in a batch, with panels, periods, instants, absent values and corrections.

use std::time::Instant;

use reqwest::Method;
use serde_json::{Value, json};

use crate::peers_hospital::hospital;
use crate::writing::{Practice, send};

const LOINC: &str = "http://loinc.org";
const UCUM: &str = "http://unitsofmeasure.org";

fn reading(practice: &Practice, code: &str, more: Value) -> Value {
    let mut stated = json!({ "resourceType": "Observation", "status": "final", "subject": { "reference": format!("Patient/{}", practice.patient) },
        "code": { "coding": [{ "system": LOINC, "code": code }] } });
    for (name, value) in more.as_object().unwrap() {
        stated[name] = value.clone();
    }
    stated
}

fn value(number: f64, unit: &str) -> Value {
    json!({ "value": number, "unit": unit, "system": UCUM, "code": unit })
}

async fn batch(practice: &Practice, readings: Vec<Value>) -> Vec<Value> {
    batch_for(practice, readings, "OperationOutcome").await
}

async fn batch_for(practice: &Practice, readings: Vec<Value>, wanted: &str) -> Vec<Value> {
    let entries: Vec<Value> = readings
        .into_iter()
        .map(|reading| json!({ "request": { "method": "POST", "url": "Observation" }, "resource": reading }))
        .collect();
    let bundle = json!({ "resourceType": "Bundle", "type": "batch", "entry": entries });
    let answer = send(&practice.ehr, Method::POST, "", &bundle, &[("prefer", &format!("return={wanted}"))]).await;
    answer.is(200).body["entry"].as_array().unwrap().iter().map(|entry| entry["response"].clone()).collect()
}

fn place(response: &Value) -> String {
    let location = response["location"].as_str().unwrap_or_else(|| panic!("{response}"));
    location.split("/fhir/").nth(1).unwrap().split("/_history").next().unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn readings_are_kept_as_devices_say_them_and_pressures_joined_by_their_moment_alone() {
    let practice = hospital().await;
    let of = |code: &str, more: Value| reading(&practice, code, more);
    let (first, second) = ("2026-05-01T07:00:00.125+02:00", "2026-05-01T19:30:00Z");
    let period = |day: u32| json!({ "start": format!("2026-05-{day:02}T06:00:00Z"), "end": format!("2026-05-{day:02}T06:01:00Z") });
    let told = vec![
        // Halves of two pressures, by instants of the clock; each is a request of its own.
        of("8480-6", json!({ "effectiveInstant": first, "valueQuantity": value(142.0, "mm[Hg]") })),
        of("8462-4", json!({ "effectiveInstant": second, "valueQuantity": value(88.0, "mm[Hg]") })),
        // And by periods of a cuff.
        of("8480-6", json!({ "effectivePeriod": period(3), "valueQuantity": value(131.0, "mm[Hg]") })),
        of("8462-4", json!({ "effectivePeriod": period(3), "valueQuantity": value(79.0, "mm[Hg]") })),
        // A panel whose value is in its components, one of which failed.
        of(
            "85354-9",
            json!({ "effectiveDateTime": "2026-05-04T06:00:00Z", "component": [
            { "code": { "coding": [{ "system": LOINC, "code": "8480-6" }] }, "valueQuantity": value(128.0, "mm[Hg]") },
            { "code": { "coding": [{ "system": LOINC, "code": "8462-4" }] }, "dataAbsentReason": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "error" }] } }] }),
        ),
        // No signal; below what the sensor can tell; taken back; a waveform; codes of IEEE 11073 beside LOINC's.
        of(
            "59408-5",
            json!({ "effectiveDateTime": "2026-05-04T07:00:00Z", "dataAbsentReason": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "error" }] } }),
        ),
        of(
            "59408-5",
            json!({ "effectiveDateTime": "2026-05-04T07:01:00Z", "valueQuantity": { "value": 70, "comparator": "<", "unit": "%", "system": UCUM, "code": "%" } }),
        ),
        of(
            "59408-5",
            json!({ "status": "entered-in-error", "effectiveDateTime": "2026-05-04T07:02:00Z", "valueQuantity": value(61.0, "%") }),
        ),
        of(
            "8867-4",
            json!({ "effectiveDateTime": "2026-05-04T07:03:00Z", "valueSampledData": { "origin": value(0.0, "/min"), "period": 10, "dimensions": 1, "data": "71 72 70 E" } }),
        ),
        of(
            "8867-4",
            json!({ "effectiveDateTime": "2026-05-04T07:04:00Z", "valueQuantity": value(72.0, "/min"),
            "code": { "coding": [{ "system": "urn:iso:std:iso:11073:10101", "code": "149530", "display": "MDC_PULS_OXIM_PULS_RATE" }, { "system": LOINC, "code": "8867-4" }] } }),
        ),
    ];
    let answers = batch(&practice, told).await;
    for (number, answer) in answers.iter().enumerate() {
        assert!(answer["status"].as_str().unwrap().starts_with("201"), "{number}: {answer}");
    }
    let panels =
        practice.ehr.search(&format!("Observation?patient={}&code=85354-9&_sort=date", practice.patient)).await;
    let made: Vec<&Value> = panels["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["resource"])
        .filter(|one| one.get("derivedFrom").is_some())
        .collect();
    assert_eq!(made.len(), 1, "of two moments nothing is joined, of one period both are: {panels}");
    assert_eq!((&made[0]["effectivePeriod"], made[0]["derivedFrom"].as_array().map(Vec::len)), (&period(3), Some(2)));
    // The other halves come.
    let later = vec![
        of("8462-4", json!({ "effectiveInstant": "2026-05-01T05:00:00.125Z", "valueQuantity": value(91.0, "mm[Hg]") })),
        of("8480-6", json!({ "effectiveInstant": second, "valueQuantity": value(139.0, "mm[Hg]") })),
    ];
    batch(&practice, later).await;
    let panels = practice.ehr.search(&format!("Observation?patient={}&code=85354-9&_count=50", practice.patient)).await;
    let mut pairs: Vec<(f64, f64)> = Vec::new();
    for one in panels["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["resource"])
        .filter(|one| one.get("derivedFrom").is_some())
    {
        let of = |code: &str| {
            one["component"].as_array().unwrap().iter().find(|part| part["code"]["coding"][0]["code"] == code).unwrap()
                ["valueQuantity"]["value"]
                .as_f64()
                .unwrap()
        };
        pairs.push((of("8480-6"), of("8462-4")));
    }
    pairs.sort_by(f64_order);
    assert_eq!(pairs, [(131.0, 79.0), (139.0, 88.0), (142.0, 91.0)], "{panels}");
    // What is absent stays so, and is found as absent.
    let absent = practice.ehr.get(&place(&answers[5])).await.1;
    assert!(absent.get("valueQuantity").is_none() && absent.get("dataAbsentReason").is_some(), "{absent}");
    // A panel of members, in a transaction.
    let urn = |number: u32| format!("urn:uuid:aaaaaaaa-0000-4000-8000-00000000000{number}");
    let member = |number: u32, code: &str, quantity: Value| {
        json!({ "fullUrl": urn(number), "request": { "method": "POST", "url": "Observation" },
        "resource": of(code, json!({ "effectiveDateTime": "2026-05-05T06:00:00Z", "valueQuantity": quantity })) })
    };
    let whole = of(
        "85353-1",
        json!({ "effectiveDateTime": "2026-05-05T06:00:00Z", "hasMember": [{ "reference": urn(1) }, { "reference": urn(2) }] }),
    );
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [
        { "fullUrl": urn(3), "request": { "method": "POST", "url": "Observation" }, "resource": whole },
        member(1, "8867-4", value(66.0, "/min")), member(2, "9279-1", value(15.0, "/min"))] });
    let done = send(&practice.ehr, Method::POST, "", &bundle, &[]).await;
    let stored = practice.ehr.get(&place(&done.is(200).body["entry"][0]["response"])).await.1;
    assert_eq!(stored["hasMember"][1]["reference"], json!(place(&done.body["entry"][2]["response"])), "{stored}");
    // What is no reading says so by its place, and harms no other.
    let answers = batch(
        &practice,
        vec![
            of("8867-4", json!({ "effectiveDateTime": "2026-05-06T06:00", "valueQuantity": value(66.0, "/min") })),
            of("8867-4", json!({ "effectiveDateTime": "2026-05-06T06:00:00Z", "valueQuantity": { "value": "66" } })),
            of("8867-4", json!({ "effectiveDateTime": "2026-05-06T06:00:00Z", "valueQuantity": value(67.0, "/min") })),
        ],
    )
    .await;
    let began = |number: usize| answers[number]["status"].as_str().unwrap()[..3].to_string();
    assert_eq!(
        (began(0).starts_with('4'), began(1).starts_with('4'), began(2)),
        (true, true, "201".into()),
        "{answers:?}"
    );
    assert!(answers[0]["outcome"].to_string().contains("Observation.effective"), "{}", answers[0]);
    practice.stop().await;
}

fn f64_order(one: &(f64, f64), other: &(f64, f64)) -> std::cmp::Ordering {
    one.0.total_cmp(&other.0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_readings_of_a_minute_are_all_there() {
    let practice = hospital().await;
    let told: Vec<Value> = (0..1000)
        .map(|second| {
            let at = format!("2026-05-07T06:{:02}:{:02}.{:03}Z", second / 60 % 60, second % 60, second % 1000);
            let number = json!([{ "system": "urn:vendor:reading", "value": second.to_string() }]);
            reading(&practice, "8867-4", json!({ "identifier": number, "effectiveDateTime": at, "valueQuantity": value(60.0 + f64::from(second % 40), "/min") }))
        })
        .collect();
    let began = Instant::now();
    let answers = batch_for(&practice, told.clone(), "minimal").await;
    println!("a batch of 1,000 readings in {:?}", began.elapsed());
    assert!(answers.iter().all(|answer| answer["status"].as_str().unwrap().starts_with("201")));
    let again = batch_for(&practice, told[..50].to_vec(), "minimal").await;
    assert!(again.iter().all(|answer| answer["status"].as_str().unwrap().starts_with("200")), "{again:?}");
    let found = practice
        .ehr
        .search(&format!("Observation?patient={}&code=8867-4&date=2026-05-07&_summary=count", practice.patient))
        .await;
    assert_eq!(found["total"], 1000);
    // One that is none among many is refused alone.
    let mut mixed: Vec<Value> = told[..20].to_vec();
    for (number, one) in mixed.iter_mut().enumerate() {
        one["identifier"][0]["value"] = json!(format!("mixed-{number}"));
    }
    mixed[7]["status"] = json!("measured");
    let answers = batch_for(&practice, mixed, "minimal").await;
    let began: Vec<bool> = answers.iter().map(|answer| answer["status"].as_str().unwrap().starts_with("201")).collect();
    assert_eq!(began.iter().position(|began| !began), Some(7), "{answers:?}");
    assert_eq!(began.iter().filter(|began| **began).count(), 19);
    practice.stop().await;
}
