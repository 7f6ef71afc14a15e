//! The searches that US Core 7.0.0 demands of servers (its CapabilityStatement's SHALL parameters and combinations, and its includes), each
//! for each profile, over the package's examples and what they lack; where the package is not beside the repository, it says so.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::fhir::search::{SERVED, served};
use crate::identity::{PersonId, ResourceId};
use crate::record::{Change, Head, State, Stored};
use crate::store::{EngineChoice, HeadWrite, Store, StoreSettings, WriteUnit, open};
use crate::web::trial::{Trial, member};

#[path = "../../../tests/store/postgres.rs"]
#[allow(dead_code, reason = "the suite of the stores uses the rest")]
mod postgres;

type Files = BTreeMap<String, Value>;

fn package() -> Option<Files> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/fhir/packages/hl7.fhir.us.core-7.0.0.tgz");
    let Ok(file) = std::fs::File::open(path) else {
        println!("skipped: US Core's package is not beside the repository");
        return None;
    };
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let mut files = Files::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_str().unwrap().to_string();
        if name.ends_with(".json") {
            let mut text = String::new();
            std::io::Read::read_to_string(&mut entry, &mut text).unwrap();
            files.extend(serde_json::from_str(&text).ok().map(|json| (name, json)));
        }
    }
    Some(files)
}

/// The searches of a type that a server SHALL answer: names of parameters that stand together.
fn demanded(of_type: &Value) -> Vec<Vec<String>> {
    let is_shall = |value: &Value| {
        let extensions = value["extension"].as_array().cloned().unwrap_or_default();
        let expectation =
            |one: &Value| one["url"].as_str().is_some_and(|url| url.ends_with("capabilitystatement-expectation"));
        extensions.iter().any(|one| expectation(one) && one["valueCode"] == "SHALL")
    };
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let single = list(&of_type["searchParam"]).into_iter().filter(|one| is_shall(one));
    let mut all: Vec<Vec<String>> = single.map(|one| vec![one["name"].as_str().unwrap().to_string()]).collect();
    for extension in list(&of_type["extension"]) {
        if extension["url"].as_str().unwrap().ends_with("search-parameter-combination") && is_shall(&extension) {
            let required = list(&extension["extension"]).into_iter().filter(|one| one["url"] == "required");
            all.push(required.map(|one| one["valueString"].as_str().unwrap().to_string()).collect());
        }
    }
    all
}

/// What a resource would be found by, told from its JSON and not by an engine; none where it has nothing of this.
fn value_of(resource: &Value, name: &str) -> Option<String> {
    let coding = |element: &Value| {
        let first = if element.is_array() { &element[0] } else { element };
        let coding = &first["coding"][0];
        Some(format!("{}|{}", coding["system"].as_str().unwrap_or_default(), coding["code"].as_str()?))
    };
    let text = |element: &Value| element.as_str().map(str::to_string);
    let day = text;
    let from = |element: &Value| day(element).map(|day| format!("ge{day}"));
    let or_start = |at: &str, period: &str| day(&resource[at]).or_else(|| from(&resource[period]["start"]));
    match name {
        "_id" => text(&resource["id"]),
        "identifier" => {
            let first = &resource["identifier"][0];
            Some(format!("{}|{}", first["system"].as_str().unwrap_or_default(), first["value"].as_str()?))
        }
        "name" if resource["name"].is_array() => {
            text(&resource["name"][0]["family"]).or_else(|| text(&resource["name"][0]["given"][0]))
        }
        "name" => text(&resource["name"]),
        "address" if resource["address"].is_array() => text(&resource["address"][0]["city"]),
        "address" => text(&resource["address"]["city"]),
        "birthdate" => text(&resource["birthDate"]),
        "gender" | "status" | "intent" => text(&resource[name]),
        "category" | "code" | "type" | "specialty" => coding(&resource[name]),
        "authored" => day(&resource["authoredOn"]).or_else(|| day(&resource["authored"])),
        "practitioner" => text(&resource["practitioner"]["reference"]),
        "date" => match resource["resourceType"].as_str()? {
            "Encounter" => from(&resource["period"]["start"]),
            "Procedure" => or_start("performedDateTime", "performedPeriod"),
            "DocumentReference" => day(&resource["date"]),
            _ => or_start("effectiveDateTime", "effectivePeriod"),
        },
        _ => None,
    }
}

/// One that nothing here has, for a parameter.
fn other_value(name: &str) -> &'static str {
    match name {
        "date" | "birthdate" | "authored" => "1801-01-01",
        "patient" | "_id" | "practitioner" => "00000000000000000000000000000000",
        _ => "nothing-has-this",
    }
}

/// Where the examples are kept: what is of a patient in the member's record, the rest in nobody's, with references that lead there.
struct Shelf {
    ids: BTreeMap<String, String>,
}

const SHARED: [&str; 6] = ["Location", "Medication", "Organization", "Practitioner", "PractitionerRole", "Endpoint"];

fn id_of(kind: &str, key: &str) -> ResourceId {
    match kind {
        "Patient" => ResourceId::patient(member()),
        _ if SHARED.contains(&kind) => ResourceId::of(PersonId::SHARED, kind, key),
        _ => ResourceId::of(member(), kind, key),
    }
}

impl Shelf {
    /// All examples with their references rewritten; all patients are the one member, told of by the last of them.
    fn fill(examples: &[Value]) -> Vec<Value> {
        let key = |one: &Value| format!("{}/{}", one["resourceType"].as_str().unwrap(), one["id"].as_str().unwrap());
        let id = |one: &Value| id_of(one["resourceType"].as_str().unwrap(), one["id"].as_str().unwrap()).to_string();
        let ids = examples.iter().map(|one| (key(one), id(one))).collect();
        let shelf = Self { ids };
        let moved = examples.iter().map(|one| {
            let mut moved = one.clone();
            shelf.rewrite(&mut moved);
            moved["id"] = json!(id(one));
            // As partners' patients are: the member.
            for element in ["subject", "patient", "beneficiary"] {
                if moved[element]["reference"].as_str().is_some_and(|text| text.starts_with("Patient/")) {
                    moved[element]["reference"] = json!(format!("Patient/{}", ResourceId::patient(member())));
                }
            }
            moved
        });
        let by_key: BTreeMap<(String, String), Value> = moved
            .map(|one| {
                ((one["resourceType"].as_str().unwrap().to_string(), one["id"].as_str().unwrap().to_string()), one)
            })
            .collect();
        by_key.into_values().collect()
    }

    fn rewrite(&self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.rewrite(item)),
            Value::Object(map) => {
                if let Some(Value::String(text)) = map.get_mut("reference")
                    && let (Some(id), Some((kind, _))) = (self.ids.get(text.as_str()), text.split_once('/'))
                {
                    *text = format!("{kind}/{id}");
                }
                map.values_mut().for_each(|item| self.rewrite(item));
            }
            _ => {}
        }
    }
}

async fn keep(store: &dyn Store, resources: &[Value]) {
    let mut head: Head = store.head(member()).await.unwrap().unwrap();
    let replaces = head.revision;
    head.revision += 1;
    let mut changes = Vec::new();
    for body in resources.iter().cloned() {
        let text = |name: &str| body[name].as_str().unwrap().to_string();
        let (kind, id): (String, ResourceId) = (text("resourceType"), text("id").parse().unwrap());
        let before = store.resource(&kind, id).await.unwrap().map_or(0, |stored| stored.version);
        let resource = body.try_into().unwrap();
        let updated = "2026-03-02T10:00:00Z".parse().unwrap();
        let stored = Stored { id, version: before + 1, updated, resource, state: State::default() };
        changes.push(Change { stored, replaces: before });
    }
    store
        .commit(WriteUnit { heads: vec![HeadWrite { head, replaces }], changes, ..WriteUnit::default() })
        .await
        .unwrap();
}

fn encode(text: &str) -> String {
    let sign = |byte: u8| match byte {
        b'|' | b':' | b' ' | b'+' | b'&' | b'%' | b'#' => format!("%{byte:02X}"),
        _ => char::from(byte).to_string(),
    };
    text.bytes().map(sign).collect()
}

/// An example of a profile that has all that a search asks by.
fn example_for<'e>(examples: &'e [Value], kind: &str, profile: &str, search: &[String]) -> Option<&'e Value> {
    // The base of all vital signs is claimed by each through its own.
    let profile = profile.replace("us-core-vital-signs", "us-core-blood-pressure");
    let of_profile = |one: &&Value| {
        let claimed = one["meta"]["profile"].as_array().cloned().unwrap_or_default();
        one["resourceType"] == kind
            && claimed.iter().any(|one| one.as_str().is_some_and(|url| url.split('|').next() == Some(profile.as_str())))
    };
    examples
        .iter()
        .filter(of_profile)
        .find(|one| search.iter().all(|name| name == "patient" || value_of(one, name).is_some()))
}

async fn show(store: std::sync::Arc<dyn Store>, engine: &str, files: &Files) {
    let trial = Trial::over(store).await;
    let statement = &files["package/CapabilityStatement-us-core-server.json"];
    let types = statement["rest"][0]["resource"].as_array().unwrap();
    trial.allow_all(&SERVED);
    let examples: Vec<Value> =
        files.iter().filter(|(name, _)| name.starts_with("package/example/")).map(|(_, one)| one.clone()).collect();
    let is_served = |one: &&Value| served(one["resourceType"].as_str().unwrap()).is_some();
    let served: Vec<Value> = examples.iter().filter(is_served).cloned().collect();
    let mut moved = Shelf::fill(&served);
    moved.extend(added(&moved));
    keep(&*trial.gateway.store, &moved).await;
    let patient = ResourceId::patient(member()).to_string();
    let (mut passed, mut failed, mut lacking, mut per_type) = (0, Vec::new(), Vec::new(), 0);
    for of_type in types {
        let kind = of_type["type"].as_str().unwrap();
        let searches = demanded(of_type);
        per_type += searches.len();
        for profile in of_type["supportedProfile"].as_array().into_iter().flatten() {
            let profile = profile.as_str().unwrap().split('|').next().unwrap();
            for search in &searches {
                let short = profile.rsplit('/').next().unwrap();
                let Some(example) = example_for(&moved, kind, profile, search) else {
                    lacking.push(format!("{short}: {search:?}"));
                    continue;
                };
                let value =
                    |name: &String| if name == "patient" { patient.clone() } else { value_of(example, name).unwrap() };
                let query: Vec<String> = search.iter().map(|name| format!("{name}={}", encode(&value(name)))).collect();
                trial.clock.advance(SignedDuration::from_millis(100));
                let found = trial.get(&format!("/fhir/{kind}?{}&_count=250", query.join("&"))).await;
                let id = example["id"].as_str().unwrap().to_string();
                let mut is_right = found.status == 200 && found.ids().contains(&id);
                // The same with a value that nothing has, one parameter at a time.
                for (place, name) in search.iter().enumerate() {
                    let mut query = query.clone();
                    query[place] = format!("{name}={}", other_value(name));
                    let none = trial.get(&format!("/fhir/{kind}?{}", query.join("&"))).await;
                    is_right &= none.status == 200 && none.ids().is_empty();
                }
                if is_right {
                    passed += 1
                } else {
                    failed.push(format!("{short}: {} → {} {:?}", query.join("&"), found.status, found.ids()))
                }
            }
        }
    }
    println!(
        "US Core 7.0.0 on {engine}: {per_type} searches by type; by profile {passed} pass, {} fail, {} without data",
        failed.len(),
        lacking.len()
    );
    assert!(failed.is_empty() && lacking.is_empty(), "failed {failed:#?}, without data {lacking:#?}");
    assert_eq!(per_type, 51);
    includes(&trial, types, &moved, engine).await;
}

/// Each include of the statement brings what it names, and each reverse include brings the Provenance that names the match.
async fn includes(trial: &Trial, types: &[Value], moved: &[Value], engine: &str) {
    let (mut passed, mut failed) = (0, Vec::new());
    for of_type in types {
        let kind = of_type["type"].as_str().unwrap();
        let named = |key: &str| of_type[key].as_array().cloned().unwrap_or_default();
        for include in named("searchInclude") {
            let include = include.as_str().unwrap().to_string();
            let mut parts = include.split(':').skip(1);
            let (element, target) = (parts.next().unwrap(), parts.next());
            let found = trial.get(&format!("/fhir/{kind}?_include={include}&_count=250")).await;
            let with: BTreeSet<String> = modes(&found.body, "include");
            let wanted = target.unwrap_or(match element {
                "medication" => "Medication",
                "endpoint" => "Endpoint",
                _ => "Practitioner",
            });
            if with.iter().any(|key| key.starts_with(&format!("{wanted}/")))
                && with.iter().all(|key| target.is_none_or(|target| key.starts_with(&format!("{target}/"))))
            {
                passed += 1;
            } else {
                failed.push(format!("{include}: {with:?} {}", found.status));
            }
        }
        for include in named("searchRevInclude") {
            let include = include.as_str().unwrap().to_string();
            let found = trial.get(&format!("/fhir/{kind}?_revinclude={include}&_count=250")).await;
            let (matches, with) = (modes(&found.body, "match"), modes(&found.body, "include"));
            let names = |one: &&Value| {
                let targets = one["target"].as_array().cloned().unwrap_or_default();
                targets.iter().any(|target| target["reference"].as_str().is_some_and(|text| matches.contains(text)))
            };
            let provenances = moved.iter().filter(|one| one["resourceType"] == "Provenance").filter(names);
            let expected: BTreeSet<String> =
                provenances.map(|one| format!("Provenance/{}", one["id"].as_str().unwrap())).collect();
            if !expected.is_empty() && with == expected {
                passed += 1
            } else {
                failed.push(format!("{kind}?_revinclude={include}: {with:?} for {expected:?}"))
            }
        }
    }
    println!("US Core 7.0.0 on {engine}: {passed} includes and reverse includes pass, {} fail", failed.len());
    assert!(failed.is_empty(), "{failed:#?}");
}

fn modes(bundle: &Value, mode: &str) -> BTreeSet<String> {
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let of_mode = entries.iter().filter(|entry| entry["search"]["mode"] == mode).map(|entry| &entry["resource"]);
    of_mode.map(|one| format!("{}/{}", one["resourceType"].as_str().unwrap(), one["id"].as_str().unwrap())).collect()
}

/// What the examples lack: a Provenance of each type that has one coming with it, and what includes lead to.
fn added(moved: &[Value]) -> Vec<Value> {
    let mut more = Vec::new();
    let patient = format!("Patient/{}", ResourceId::patient(member()));
    let mut targets: BTreeMap<&str, &str> = BTreeMap::new();
    for one in moved {
        targets.insert(one["resourceType"].as_str().unwrap(), one["id"].as_str().unwrap());
    }
    for (kind, id) in &targets {
        let own = ResourceId::of(member(), "Provenance", &format!("of {kind}"));
        more.push(json!({
            "resourceType": "Provenance", "id": own.to_string(), "recorded": "2026-03-01T09:00:00Z",
            "target": [{ "reference": format!("{kind}/{id}") }], "agent": [{ "who": { "reference": patient } }],
        }));
    }
    let shared = |kind: &str, body: Value| {
        let id = ResourceId::of(PersonId::SHARED, kind, "added");
        let mut one = body;
        one["resourceType"] = json!(kind);
        one["id"] = json!(id.to_string());
        (format!("{kind}/{id}"), one)
    };
    let (endpoint, one) = shared("Endpoint", json!({ "status": "active", "address": "https://there.example/fhir" }));
    more.push(one);
    let (practitioner, one) = shared("Practitioner", json!({ "name": [{ "family": "Included" }] }));
    more.push(one);
    let (medication, one) = shared("Medication", json!({ "code": { "coding": [{ "code": "1" }] } }));
    more.push(one);
    let (role, one) = shared(
        "PractitionerRole",
        json!({
            "practitioner": { "reference": practitioner }, "endpoint": [{ "reference": endpoint }],
            "specialty": [{ "coding": [{ "system": "http://nucc.org/provider-taxonomy", "code": "207Q00000X" }] }],
            "meta": { "profile": ["http://hl7.org/fhir/us/core/StructureDefinition/us-core-practitionerrole"] },
        }),
    );
    more.push(one);
    let related = ResourceId::of(member(), "RelatedPerson", "added");
    more.push(
        json!({ "resourceType": "RelatedPerson", "id": related.to_string(), "patient": { "reference": patient } }),
    );
    let own = |kind: &str, mut body: Value| {
        body["resourceType"] = json!(kind);
        body["id"] = json!(ResourceId::of(member(), kind, "added").to_string());
        body["subject"] = json!({ "reference": patient });
        body
    };
    let member = |to: &str| json!({ "member": { "reference": to } });
    more.push(own("CareTeam", json!({
        "status": "active",
        "participant": [member(&practitioner), member(&role), member(&patient), member(&format!("RelatedPerson/{related}"))],
    })));
    for kind in ["MedicationDispense", "MedicationRequest"] {
        let body =
            json!({ "status": "completed", "intent": "order", "medicationReference": { "reference": medication } });
        more.push(own(kind, body));
    }
    more
}

#[actix_web::test]
async fn the_searches_and_includes_that_us_core_demands_are_answered() {
    let Some(files) = package() else { return };
    let memory = StoreSettings { engine: EngineChoice::Memory, path: "unused".into() };
    show(open(&memory).unwrap(), "the embedded store", &files).await;
    match postgres::new_database() {
        Some(url) => {
            let settings = StoreSettings { engine: EngineChoice::Postgres { url }, path: "unused".into() };
            show(open(&settings).unwrap(), "PostgreSQL", &files).await;
        }
        None => println!("skipped: PostgreSQL is not installed"),
    }
}
