//! FHIR as an EHR uses it: patients come as transactions, then many clients read, update, create and delete; and searches of several kinds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::compare::{Bench, median};
use crate::gateway::Gateway;
use crate::load::Sent;
use crate::mixes::ONE_PANEL;
use crate::reader::{Key, token};

const OWN: &str = "urn:oid:2.999.50";
const TYPES: [&str; 5] = ["Patient", "Observation", "Condition", "Encounter", "MedicationRequest"];
/// Entries of one transaction.
const ENTRIES: usize = 7;

/// What one gateway holds of what the bench wrote: places, each with its body.
#[derive(Default)]
struct Held {
    patients: Vec<String>,
    things: Vec<(String, Value)>,
}

struct Client {
    http: reqwest::Client,
    base: String,
    token: Mutex<String>,
    held: Mutex<Held>,
}

/// A partner that numbers its patients, writes all types and asks as often as it can.
pub fn open_site(bench: &Bench, folder: &std::path::Path) {
    bench.write_site(folder, ONE_PANEL);
    let change = |file: &str, change: &dyn Fn(String) -> String| {
        let path = folder.join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, change(text)).unwrap();
    };
    let all = TYPES.join(", ");
    change("handover.yaml", &|text| text.replace("listen:", "rate_per_sec: 100000, listen:"));
    change("partners/practice-0.yaml", &|text| {
        let (head, _) = text.split_once("  scopes: [system/Task.rs").unwrap();
        let (before, client) = head.split_once("client:\n").unwrap();
        format!("{before}client:\n{client}  scopes: [system/*.cruds]\n  owns: [\"{OWN}\"]\n  rate_per_sec: 100000\n")
    });
    change("agreements/practice-0.yaml", &|text| {
        let lines: String = TYPES.iter().map(|kind| format!("  - {{ resource: {kind}, pull: true }}\n")).collect();
        let (head, _) = text.split_once("receives:\n").unwrap();
        format!("{}receives:\n{lines}sends: [{all}]\n", head.replace("{ panel: practice-0 }", "{ all: true }"))
    });
}

pub async fn fhir_mix(bench: &Bench, patients: usize) {
    let start = |(number, binary)| {
        let folder = bench.folder.join(format!("fhir-mix-{number}"));
        open_site(bench, &folder);
        Gateway::start(binary, &folder)
    };
    let gateways: Vec<Gateway> = bench.binaries.iter().enumerate().map(start).collect();
    let mut clients: HashMap<String, Arc<Client>> = HashMap::new();
    for gateway in &gateways {
        let client = Client {
            http: reqwest::Client::new(),
            base: gateway.http.clone(),
            token: Mutex::default(),
            held: Mutex::default(),
        };
        clients.insert(gateway.name.clone(), Arc::new(client));
    }
    for (gateway, client) in gateways.iter().map(|gateway| (gateway, &clients[&gateway.name])) {
        renew(client, &bench.key).await;
        let (before, began) = (gateway.used().cpu, Instant::now());
        let latencies = spread(client, 16, patients, |client, number| Box::pin(register(client, number))).await;
        let (seconds, cpu) = (began.elapsed().as_secs_f64(), gateway.used().cpu - before);
        let resources = latencies.len() * ENTRIES;
        println!(
            "  {}: {} transactions of {ENTRIES}: {:.0} resources per second, {:.0} µs CPU each, p50 {:.1} ms for a transaction",
            gateway.name,
            latencies.len(),
            resources as f64 / seconds,
            cpu.as_secs_f64() * 1e6 / resources as f64,
            median(latencies.into_iter()),
        );
    }
    // What is made has a number of its own in every table.
    let mut first = 0;
    for &connections in &bench.connections {
        for (title, work) in [("fhir-mix", Work::Mixed), ("searches", Work::Searches)] {
            let make = |count: usize| {
                first += count;
                (first - count, count)
            };
            let work = async |gateway: &Gateway, &(first, count): &(usize, usize)| {
                let client = &clients[&gateway.name];
                renew(client, &bench.key).await;
                let began = Instant::now();
                let latencies = spread(client, connections, count, move |client, number| {
                    Box::pin(async move {
                        match work {
                            Work::Mixed => mixed(client, first + number).await,
                            Work::Searches => search(client, first + number).await,
                        }
                    })
                })
                .await;
                Sent { count: latencies.len(), seconds: began.elapsed().as_secs_f64(), latencies }
            };
            bench.compare(title, connections, &gateways, make, work).await;
        }
    }
    gateways.into_iter().for_each(Gateway::stop);
}

#[derive(Clone, Copy)]
enum Work {
    /// Of twenty, twelve reads, five updates, two creations and a deletion.
    Mixed,
    Searches,
}

type Doing<'c> = futures_util::future::BoxFuture<'c, ()>;

/// Does this for each number, so many at once. In milliseconds.
async fn spread<F>(client: &Arc<Client>, workers: usize, count: usize, each: F) -> Vec<f64>
where
    F: for<'c> Fn(&'c Client, usize) -> Doing<'c> + Clone + Send + Sync + 'static,
{
    let worker = |worker: usize| {
        let (client, each) = (Arc::clone(client), each.clone());
        tokio::spawn(async move {
            let mut latencies = Vec::new();
            for number in (worker..count).step_by(workers) {
                let began = Instant::now();
                each(&client, number).await;
                latencies.push(began.elapsed().as_secs_f64() * 1000.0);
            }
            latencies
        })
    };
    let workers: Vec<_> = (0..workers).map(worker).collect();
    let mut latencies = Vec::new();
    for worker in workers {
        latencies.extend(worker.await.unwrap());
    }
    latencies
}

async fn renew(client: &Client, key: &Key) {
    let token = token(&client.http, &client.base, key, "system/*.cruds").await;
    *client.token.lock().unwrap() = token;
}

impl Client {
    async fn send(&self, method: Method, path: &str, body: Option<&Value>, expected: &[u16]) -> Value {
        let token = self.token.lock().unwrap().clone();
        let request = self.http.request(method, format!("{}/fhir/{path}", self.base)).bearer_auth(token);
        let request = request.timeout(Duration::from_secs(60));
        let request = match body {
            Some(body) => request.header("content-type", "application/fhir+json").body(body.to_string()),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let (status, bytes) = (answer.status().as_u16(), answer.bytes().await.unwrap());
        assert!(expected.contains(&status), "{path}: {status} {}", String::from_utf8_lossy(&bytes));
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    fn thing(&self, number: usize) -> (String, Value) {
        let held = self.held.lock().unwrap();
        held.things[number % held.things.len()].clone()
    }
}

fn coded(system: &str, code: &str) -> Value {
    json!({ "coding": [{ "system": system, "code": code }] })
}

fn observation(whose: &str, name: &str, value: usize) -> Value {
    json!({ "resourceType": "Observation", "identifier": [{ "system": OWN, "value": name }], "status": "final",
        "category": [coded("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory")],
        "code": coded("http://loinc.org", "4548-4"), "subject": { "reference": whose },
        "effectiveDateTime": format!("2026-10-{:02}T08:00:00Z", 1 + value % 28),
        "valueQuantity": { "value": 50 + value % 40, "unit": "mmol/mol", "system": "http://unitsofmeasure.org", "code": "mmol/mol" } })
}

fn condition(whose: &str, name: &str) -> Value {
    json!({ "resourceType": "Condition", "identifier": [{ "system": OWN, "value": name }],
        "clinicalStatus": coded("http://terminology.hl7.org/CodeSystem/condition-clinical", "active"),
        "category": [coded("http://terminology.hl7.org/CodeSystem/condition-category", "problem-list-item")],
        "code": coded("http://snomed.info/sct", "38341003"), "subject": { "reference": whose } })
}

/// A patient with what a practice knows of them, as one transaction.
async fn register(client: &Client, number: usize) {
    let urn_of = |place: usize| format!("urn:uuid:0b1d2ec8-7c5b-4dd2-9d7b-1a40c2e5d{place:03}");
    let urn = &*urn_of(0);
    let post = |url: String, resource: Value| {
        let kind = resource["resourceType"].clone();
        json!({ "fullUrl": url, "resource": resource, "request": { "method": "POST", "url": kind } })
    };
    let patient = json!({ "resourceType": "Patient", "identifier": [{ "system": OWN, "value": number.to_string() }],
        "name": [{ "family": format!("Bench{}", number % 500), "given": ["Ida"] }], "gender": if number.is_multiple_of(2) { "female" } else { "male" },
        "birthDate": format!("19{}-0{}-1{}", 30 + number % 60, 1 + number % 9, number % 10) });
    let visit = json!({ "resourceType": "Encounter", "identifier": [{ "system": OWN, "value": format!("e{number}") }], "status": "finished",
        "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB" }, "subject": { "reference": urn },
        "period": { "start": "2026-09-01T09:00:00Z", "end": "2026-09-01T09:20:00Z" } });
    let order = json!({ "resourceType": "MedicationRequest", "identifier": [{ "system": OWN, "value": format!("m{number}") }],
        "status": "active", "intent": "order", "subject": { "reference": urn },
        "medicationCodeableConcept": coded("http://www.nlm.nih.gov/research/umls/rxnorm", "197361") });
    let mut resources = vec![patient, visit, condition(urn, &format!("c{number}")), order];
    resources.extend((0..3).map(|place| observation(urn, &format!("o{number}-{place}"), number + place)));
    assert_eq!(resources.len(), ENTRIES);
    let entries: Vec<Value> =
        resources.iter().enumerate().map(|(place, resource)| post(urn_of(place), resource.clone())).collect();
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries });
    let answer = client.send(Method::POST, "", Some(&bundle), &[200]).await;
    let place = |entry: usize| {
        let location = answer["entry"][entry]["response"]["location"].as_str().unwrap();
        location.split("/fhir/").last().unwrap().split("/_history").next().unwrap().to_string()
    };
    let whose = place(0);
    let mut held = client.held.lock().unwrap();
    for (entry, mut resource) in resources.into_iter().enumerate() {
        let place = place(entry);
        resource["id"] = json!(place.split('/').nth(1).unwrap());
        if entry > 0 {
            resource["subject"] = json!({ "reference": whose });
        }
        held.things.push((place, resource));
    }
    held.patients.push(whose);
}

/// A step that is coprime to how many there are spreads them over all patients.
const STEP: usize = 7_919;

async fn mixed(client: &Client, number: usize) {
    let (place, mut body) = client.thing(number * STEP);
    match number % 20 {
        0..12 => _ = client.send(Method::GET, &place, None, &[200, 410]).await,
        12..17 => {
            match body["resourceType"].as_str().unwrap() {
                "Patient" => {
                    body["telecom"] = json!([{ "system": "phone", "value": format!("555-01{:05}", number % 100_000) }])
                }
                "Observation" => {
                    body["status"] = json!("corrected");
                    body["valueQuantity"]["value"] = json!(40 + number % 60);
                }
                "Condition" => body["note"] = json!([{ "text": format!("seen {number}") }]),
                "MedicationRequest" => body["note"] = json!([{ "text": format!("checked {number}") }]),
                _ => body["type"] = json!([{ "text": format!("follow-up {number}") }]),
            }
            client.send(Method::PUT, &place, Some(&body), &[200, 410]).await;
        }
        other => {
            let whose = {
                let held = client.held.lock().unwrap();
                held.patients[(number * STEP) % held.patients.len()].clone()
            };
            let name = format!("x{number}");
            let body = if other == 18 { condition(&whose, &name) } else { observation(&whose, &name, number) };
            let kind = body["resourceType"].as_str().unwrap().to_string();
            let made = client.send(Method::POST, &kind, Some(&body), &[201]).await;
            // One of three that were made is deleted again: what a deletion takes is a creation more.
            if other == 19 {
                let place = format!("{kind}/{}", made["id"].as_str().unwrap());
                client.send(Method::DELETE, &place, None, &[200, 204]).await;
            }
        }
    }
}

async fn search(client: &Client, number: usize) {
    let patient = {
        let held = client.held.lock().unwrap();
        held.patients[(number * STEP) % held.patients.len()].clone()
    };
    let own = number * STEP % 500;
    let asked = match number % 10 {
        0 => format!("Patient?identifier={OWN}|{own}"),
        1 => format!("Patient?name=bench{own}&_count=20"),
        2 => format!("Patient?birthdate=19{}&gender=female&_count=20", 30 + number % 60),
        3 => format!("Observation?patient={patient}"),
        4 => format!("Observation?patient={patient}&code=http://loinc.org|4548-4&_sort=-date"),
        5 => format!("Condition?patient={patient}&clinical-status=active"),
        6 => format!("Encounter?patient={patient}&date=ge2026-01-01"),
        7 => format!("MedicationRequest?patient={patient}&status=active&_include=MedicationRequest:patient"),
        8 => format!("Observation?identifier={OWN}|o{own}-1&_include=Observation:patient"),
        _ => format!("Observation?subject:Patient.identifier={OWN}|{own}"),
    };
    client.send(Method::GET, &asked, None, &[200]).await;
}
