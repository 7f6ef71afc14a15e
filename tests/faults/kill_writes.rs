//! kill -9 at random moments while partners write over FHIR: transactions, updates and answers to Tasks. `HANDOVER_KILLS` and
//! `HANDOVER_SEED` as in `kill.rs`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use handover::delivery::SigningKey;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::minutes_ago;
use crate::kill::{all_controls, kill_again_and_again};
use crate::process::{Ground, prepare_with, run};

const WRITERS: usize = 6;
const SYSTEM: &str = "urn:oid:2.999.77";
const MRN: &str = "urn:oid:2.16.840.1.113883.19.5";

/// What a writer knows to be done.
#[derive(Default)]
struct Known {
    /// Request numbers that were answered.
    controls: Vec<String>,
    /// Transactions that were begun, and whether they were answered.
    pairs: Vec<(String, bool)>,
    /// The last value that was answered for a reading.
    values: BTreeMap<String, u64>,
    /// Tasks that were begun.
    tasks: Vec<String>,
}

struct Writer {
    number: usize,
    ground: Arc<Ground>,
    key: SigningKey,
    http: reqwest::Client,
    token: String,
    stop: Arc<AtomicBool>,
}

impl Writer {
    fn base(&self) -> String {
        format!("http://{}", self.ground.http)
    }

    async fn authorize(&mut self) -> Option<()> {
        let (audience, now) = (format!("{}/auth/token", self.base()), jiff::Timestamp::now().as_second());
        let jti = format!("{:032x}", rand::random::<u128>());
        let claims = json!({ "iss": "lakeside-ehr", "sub": "lakeside-ehr", "aud": audience, "exp": now + 200, "iat": now, "jti": jti });
        let assertion = self.key.sign(&claims).unwrap();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion.as_str()),
            ("scope", "system/*.cruds"),
        ];
        let body: Value = self.http.post(audience).form(&form).send().await.ok()?.json().await.ok()?;
        self.token = body["access_token"].as_str()?.to_string();
        Some(())
    }

    /// Sends it until it is answered; none when the test is over.
    async fn send(&mut self, method: Method, path: &str, body: &Value, control: &str) -> Option<Value> {
        while !self.stop.load(Ordering::Relaxed) {
            let media = if body.is_array() { "application/json-patch+json" } else { "application/fhir+json" };
            let request = self
                .http
                .request(method.clone(), format!("{}/fhir/{path}", self.base()))
                .bearer_auth(&self.token)
                .header("x-request-id", control)
                .header("content-type", media)
                .timeout(Duration::from_secs(5));
            let request = if method == Method::GET { request } else { request.body(body.to_string()) };
            if let Ok(response) = request.send().await {
                let status = response.status().as_u16();
                if let (200 | 201, Ok(answer)) = (status, response.json::<Value>().await) {
                    return Some(answer);
                }
                assert!(matches!(status, 200 | 201 | 401 | 503), "{path}: {status}");
                if status == 401 {
                    let _ = self.authorize().await;
                    continue;
                }
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        None
    }

    async fn write_for_ever(mut self, known: Arc<Mutex<Known>>) -> Option<()> {
        let member = (self.number + 1).to_string();
        let whose = json!({ "identifier": { "system": MRN, "value": member } });
        let them = self.send(Method::GET, &format!("Patient?identifier={MRN}|{member}"), &Value::Null, "").await?;
        let patient = them.pointer("/entry/0/resource/id").and_then(Value::as_str).expect("a record").to_string();
        for number in 0.. {
            let name = format!("F{}-{number}", self.number);
            // Two things that belong together, and a reading that alerts.
            let pair = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [
                { "fullUrl": "urn:uuid:4b1e2a70-6d61-4d1b-8f3c-7a9b24f01a01", "request": { "method": "POST", "url": "Condition" },
                  "resource": { "resourceType": "Condition", "identifier": [{ "system": SYSTEM, "value": format!("{name}-c") }],
                    "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/condition-category", "code": "problem-list-item" }] }],
                    "clinicalStatus": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active" }] },
                    "code": { "coding": [{ "system": "http://snomed.info/sct", "code": "13645005" }] }, "subject": whose } },
                { "request": { "method": "POST", "url": "Observation" }, "resource": reading(&name, &whose, 50) } ] });
            known.lock().unwrap().pairs.push((name.clone(), false));
            let answer = self.send(Method::POST, "", &pair, &format!("{name}-t")).await?;
            {
                let mut known = known.lock().unwrap();
                known.controls.push(format!("{name}-t"));
                known.pairs.last_mut().unwrap().1 = true;
                known.values.insert(name.clone(), 50);
            }
            let place = answer["entry"][1]["response"]["location"].as_str().unwrap();
            let place = place.split("/fhir/").last().unwrap().split("/_history").next().unwrap().to_string();
            let open = format!("Task?patient={patient}&status=requested&_count=1");
            let found = self.send(Method::GET, &open, &Value::Null, "").await?;
            if let Some(task) = found.pointer("/entry/0/resource/id").and_then(Value::as_str) {
                let begun = json!([{ "op": "replace", "path": "/status", "value": "in-progress" }]);
                self.send(Method::PATCH, &format!("Task/{task}"), &begun, &format!("{name}-a")).await?;
                let mut known = known.lock().unwrap();
                known.controls.push(format!("{name}-a"));
                known.tasks.push(task.to_string());
            }
            for value in [61, 72] {
                let mut body = reading(&name, &whose, value);
                body["id"] = json!(place.split('/').nth(1).unwrap());
                body["status"] = json!("corrected");
                self.send(Method::PUT, &place, &body, &format!("{name}-{value}")).await?;
                let mut known = known.lock().unwrap();
                known.controls.push(format!("{name}-{value}"));
                known.values.insert(name.clone(), value);
            }
        }
        None
    }
}

fn reading(name: &str, whose: &Value, value: u64) -> Value {
    json!({ "resourceType": "Observation", "identifier": [{ "system": SYSTEM, "value": format!("{name}-o") }], "status": "final",
        "subject": whose, "effectiveDateTime": "2026-11-24T08:00:00Z",
        "code": { "coding": [{ "system": "http://loinc.org", "code": "59408-5" }] },
        "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs" }] }],
        "valueQuantity": { "value": value, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%" } })
}

/// Lakeside's own client with leave to write.
fn writing(key: &SigningKey) -> impl Fn(&str, String) -> String {
    let jwks = json!({ "keys": [key.public_jwk()] });
    move |name, text| match name {
        "partners/lakeside-practice.yaml" => {
            let (before, _) = text.split_once("client:\n").unwrap();
            format!("{before}client:\n  id: lakeside-ehr\n  jwks: {jwks}\n  scopes: [system/*.cruds]\n")
        }
        "agreements/lakeside-practice.yaml" => text.replace("sends: [", "sends: [Condition, "),
        _ => text,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_partner_was_told_is_written_is_there_whole_after_any_kill() {
    let pem = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap().serialize_pem();
    let key = || SigningKey::from_pem(&pem, Some("lakeside-1")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ground = Arc::new(prepare_with(folder.path(), WRITERS, &writing(&key())));
    let stop = Arc::new(AtomicBool::new(false));
    let writer = |number: usize| Writer {
        number,
        ground: Arc::clone(&ground),
        key: key(),
        http: reqwest::Client::new(),
        token: String::new(),
        stop: Arc::clone(&stop),
    };
    let child = run(&ground);
    tell_of_all(&ground).await;
    let known: Vec<Arc<Mutex<Known>>> = (0..WRITERS).map(|_| Arc::default()).collect();
    let writers: Vec<_> = known
        .iter()
        .enumerate()
        .map(|(number, known)| tokio::spawn(writer(number).write_for_ever(Arc::clone(known))))
        .collect();
    let done = || known.iter().map(|known| known.lock().unwrap().controls.len()).sum();
    let mut child = kill_again_and_again(child, &ground, &done).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    child.kill().unwrap();
    child.wait().unwrap();

    let running = crate::harness::start(&ground.folder).await;
    let mut reader = Writer { stop: Arc::new(AtomicBool::new(false)), ..writer(0) };
    reader.authorize().await.expect("a token");
    let kept = all_controls(&*running.gateway.store).await;
    let (mut answered, mut begun, mut tasks) = (0, 0, 0);
    for known in &known {
        let known = std::mem::take(&mut *known.lock().unwrap());
        for control in &known.controls {
            assert_eq!(kept.get(control), Some(&1), "{control} is kept exactly once");
        }
        answered += known.controls.len();
        begun += known.pairs.len();
        tasks += known.tasks.len();
        for (name, was_answered) in &known.pairs {
            let condition = one(&mut reader, &format!("Condition?identifier={SYSTEM}|{name}-c")).await;
            let reading = one(&mut reader, &format!("Observation?identifier={SYSTEM}|{name}-o")).await;
            assert_eq!(condition.is_some(), reading.is_some(), "{name} is there whole or not at all");
            assert!(!was_answered || reading.is_some(), "{name} was answered");
            let value = reading.and_then(|reading| reading["valueQuantity"]["value"].as_u64());
            // The next one may have been written and not answered.
            let least = known.values.get(name).copied().unwrap_or_default();
            assert!(value.unwrap_or_default() >= least, "{name}: {value:?} instead of {least}");
        }
        for task in &known.tasks {
            let found = reader.send(Method::GET, &format!("Task/{task}"), &Value::Null, "").await.unwrap();
            assert_eq!(found["status"], "in-progress", "{found}");
        }
    }
    println!("{answered} answered, {begun} transactions begun, {tasks} tasks begun");
    assert!(begun > WRITERS && tasks > 0, "the writers wrote");
    running.stop().await;
}

/// A visit of each member, so that each has a record and a task.
async fn tell_of_all(ground: &Ground) {
    let mut hospital = crate::harness::Hospital::connect(ground.mllp).await;
    for number in 1..=WRITERS {
        let (patient, visit) = (number.to_string(), format!("V{number}"));
        for (event, minutes) in [("A04", 90), ("A03", 30)] {
            let control = format!("{event}-{number}");
            let answer =
                hospital.send(&crate::harness::adt(event, &control, &patient, &visit, &minutes_ago(minutes))).await;
            assert!(answer.contains("MSA|AA"), "{answer}");
        }
    }
}

/// The one that a search finds; none where it finds none.
async fn one(reader: &mut Writer, search: &str) -> Option<Value> {
    let found = reader.send(Method::GET, search, &Value::Null, "").await.unwrap();
    let entries = found["entry"].as_array().cloned().unwrap_or_default();
    assert!(entries.len() < 2, "{search}: {found}");
    entries.first().map(|entry| entry["resource"].clone())
}
