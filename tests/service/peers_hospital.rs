//! A hospital in a box (sekmet-fhir of PyPI) works against the gateway as it would against any EHR: registers, admits, orders, books.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::harness::peer;
use crate::partner::{CLIENT, free_port};
use crate::peers::ended;
use crate::writing::Practice;

/// The systems of its numbers.
const NUMBERS: &str = "urn:oid:1.2.3.4.5";
/// What it passes over by itself, by what the CapabilityStatement and its own settings say: exports by group (`$export` is not offered), a
/// laboratory that answers its orders (the settings of a peer have to name it as one), and Subscriptions of clients, twice.
const NOT_OFFERED: [&str; 4] =
    ["bulk_export_group", "lab_order_peer_fills", "subscription_backport_roundtrip", "subscription_roundtrip"];
const STORIES: usize = 14;
/// It makes numbers of the millisecond and two digits drawn at random, so that two results of a panel have the same now and then, which
/// is a 409 (`two_results_under_one_number_are_refused_and_not_made_one`). Here it counts instead of drawing.
const COUNTING: &str = "import itertools, random\ncount, draw = itertools.count(), random.randint\n\
    random.randint = lambda a, b: 10 + next(count) % 90 if (a, b) == (10, 99) else draw(a, b)\n";

/// A hospital that numbers its patients itself and may write and read all that is taken.
pub async fn hospital() -> Practice {
    let types: Vec<&str> = handover::fhir::written_types().collect();
    let lines: String = types.iter().map(|kind| format!("  - {{ resource: {kind}, pull: true }}\n")).collect();
    Practice::with(&types.join(", "), &|name, text| match name {
        "partners/lakeside-practice.yaml" => {
            text.replace("client:\n", &format!("client:\n  owns: [\"{NUMBERS}.1\"]\n"))
        }
        "agreements/lakeside-practice.yaml" => {
            let (head, rest) = text.split_once("receives:\n").unwrap();
            let sends = &rest[rest.find("sends:").unwrap()..rest.find("never:").unwrap()];
            format!(
                "{}receives:\n{lines}{sends}",
                head.replace("patients: { panel: lakeside }", "patients: { all: true }")
            )
        }
        _ => text,
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hospital_of_pypi_tells_its_stories() {
    let Some(sekmet) = peer("bin/sekmet") else { return };
    let practice = hospital().await;
    let folder = practice.readers.house.folder.path().join("hospital");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("key.pem"), &practice.readers.lakeside_pem).unwrap();
    let port = free_port();
    let settings = format!(
        "base_url: http://127.0.0.1:{port}/fhir\nhost: 127.0.0.1\nport: {port}\npeers:\n  handover:\n    base_url: {}\n    auth: {{ type: smart, \
         client_id: {CLIENT}, private_key_path: key.pem, kid: lakeside-1, alg: ES384, scope: \"system/*.cruds\" }}\n",
        practice.readers.house.url("/fhir"),
    );
    std::fs::write(folder.join("settings.yaml"), settings).unwrap();
    std::fs::write(folder.join("sitecustomize.py"), COUNTING).unwrap();
    let mut command = Command::new(sekmet);
    command.args(["scenario", "run", "--peer", "handover", "--report-dir", "told", "all"]);
    command.current_dir(&folder).env("PYTHONPATH", &folder);
    let told = ended(command, Duration::from_secs(240)).await;
    let words = String::from_utf8_lossy(&told.stdout).into_owned();
    let report = std::fs::read_dir(folder.join("told")).ok().and_then(|mut runs| runs.next()?.ok());
    let report = report.unwrap_or_else(|| panic!("{words}\n{}", String::from_utf8_lossy(&told.stderr)));
    let stories: Vec<Value> =
        serde_json::from_slice(&std::fs::read(report.path().join("results.json")).unwrap()).unwrap();
    let became: BTreeMap<String, &str> = stories
        .iter()
        .map(|story| {
            let file = story["file"].as_str().unwrap().rsplit('/').next().unwrap();
            (file.trim_end_matches(".yaml").to_string(), story["status"].as_str().unwrap())
        })
        .collect();
    println!("{became:#?}");
    assert_eq!(became.len(), STORIES);
    let others: Vec<_> = became
        .iter()
        .filter(|(story, status)| {
            let expected = match story.as_str() {
                other if NOT_OFFERED.contains(&other) => "skipped",
                _ => "passed",
            };
            **status != expected
        })
        .collect();
    assert!(others.is_empty(), "{others:?}\n{words}");
    practice.stop().await;
}
