//! What checking costs: microseconds per example resource of US Core, against R4 alone and with the profiles it claims, by
//! type; the first check after the start; and memory, before and after all profiles of both packages are put together. Also what
//! the claims of a page cost (`meta.profile` of 50 resources as they are served).
//! `cargo bench --bench validate`; `ROUNDS`. The examples lie beside the repository; without them it says so.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints what it found, and is told by the environment how long to look"
)]

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::time::Instant;

use handover::fhir::{Library, Resource};
use handover::profile::{Profiles, claim_what_is_met, validate, validate_against};
use serde_json::{Value, json};

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Resident memory in MB, and how long something took in milliseconds, since the last call.
struct Meter {
    started: Instant,
}

impl Meter {
    fn tell(&mut self, what: &str) {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes: f64 = line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(f64::NAN);
        let millis = self.started.elapsed().as_secs_f64() * 1000.0;
        println!("{what:<58} {millis:>8.2} ms {:>7.1} MB resident", kilobytes / 1024.0);
        self.started = Instant::now();
    }
}

fn examples() -> Vec<(Resource, usize)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let package = root.join("../shared/corpus/fhir/packages/hl7.fhir.us.core-7.0.0.tgz");
    let Ok(file) = std::fs::File::open(package) else { return Vec::new() };
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let mut found = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_string_lossy().into_owned();
        let mut text = String::new();
        if name.starts_with("package/example/") && name.ends_with(".json") {
            entry.read_to_string(&mut text).unwrap();
            found.extend(serde_json::from_str(&text).map(|resource| (resource, text.len())));
        }
    }
    found
}

/// The resources of a type that the messages of `fixtures` come to, as they are served, until a page is full.
fn page_of(kind: &str) -> Vec<Resource> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/messages");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found = Vec::new();
    for file in files.filter(|file| file.extension().is_some_and(|ending| ending == "json")) {
        let expected: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let resources = expected["resources"].as_array().cloned().unwrap_or_default().into_iter();
        found.extend(resources.filter(|one| one["resourceType"] == kind).map(|one| Resource::try_from(one).unwrap()));
    }
    found.into_iter().cycle().take(50).collect()
}

fn claims(rounds: usize) {
    println!("\nclaims of a page of 50       ms median  ms fastest   µs each  that claim");
    for kind in ["Observation", "Encounter", "Patient", "Task"] {
        let page = page_of(kind);
        let all = || {
            let mut page = page.clone();
            page.iter_mut().for_each(|resource| claim_what_is_met(resource, Profiles::built_in()));
            page.iter().filter(|one| one.get("meta").is_some_and(|meta| meta.get("profile").is_some())).count()
        };
        // A page is longer than others leave a busy machine alone; the fastest says what it takes.
        let mut each = times(rounds, all);
        let (median, fastest) = (median(&mut each), each[0]);
        println!("{kind:<26} {:>11.2} {:>11.2} {:>9.1} {:>11}", median / 1e3, fastest / 1e3, fastest / 50.0, all());
    }
}

/// What each round took, in microseconds.
fn times(rounds: usize, mut work: impl FnMut() -> usize) -> Vec<f64> {
    let round = |_| {
        let started = Instant::now();
        std::hint::black_box(work());
        started.elapsed().as_secs_f64() * 1e6
    };
    (0..rounds).map(round).collect()
}

/// The median of some rounds, in microseconds.
fn time(rounds: usize, work: impl FnMut() -> usize) -> f64 {
    median(&mut times(rounds, work))
}

#[derive(Default)]
struct Row {
    bytes: Vec<f64>,
    core: Vec<f64>,
    thorough: Vec<f64>,
}

impl Row {
    fn print(&mut self, name: &str) {
        let count = self.bytes.len();
        let (bytes, core, thorough) = (median(&mut self.bytes), median(&mut self.core), median(&mut self.thorough));
        println!("{name:<22} {count:>5} {bytes:>8.0} {core:>10.1} {thorough:>14.1}");
    }
}

fn main() {
    let rounds = std::env::var("ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(31);
    let mut meter = Meter { started: Instant::now() };
    let first = json!({ "resourceType": "Patient", "gender": "female", "name": [{ "family": "Okafor" }],
        "identifier": [{ "system": "urn:mrn", "value": "1" }],
        "meta": { "profile": ["http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"] } });
    let first: Resource = serde_json::from_value(first).unwrap();
    meter.tell("before anything");
    assert!(validate(&first).is_empty());
    meter.tell("first check against R4");
    validate_against(&first, &[], Profiles::built_in());
    meter.tell("first check against a profile of US Core");
    let urls: Vec<String> = Library::built_in().profile_urls().map(str::to_string).collect();
    validate_against(&Resource::new("Basic"), &urls, Profiles::built_in());
    meter.tell(&format!("all {} profiles and extensions put together", urls.len()));
    claims(rounds);
    meter.started = Instant::now();
    let examples = examples();
    if examples.is_empty() {
        println!("skipped: the examples are not beside the repository");
        return;
    }
    meter.tell(&format!("{} examples read", examples.len()));
    examples.iter().for_each(|(resource, _)| drop(validate_against(resource, &[], Profiles::built_in())));
    meter.tell("all examples checked once");
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for (resource, bytes) in &examples {
        let core = time(rounds, || validate(resource).len());
        let thorough = time(rounds, || validate_against(resource, &[], Profiles::built_in()).len());
        for name in [resource.resource_type(), "~all"] {
            let row = rows.entry(name.to_string()).or_default();
            row.bytes.push(*bytes as f64);
            row.core.push(core);
            row.thorough.push(thorough);
        }
    }
    println!("\nmedians of {rounds} rounds each    count    bytes    µs on R4  µs with profiles");
    rows.into_iter().for_each(|(name, mut row)| row.print(name.trim_start_matches('~')));
}
