//! Strangers' clients: what is on PyPI and npm must be able to talk to the gateway as it is.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use handover::store::MessageFilter;
use serde_json::{Value, json};

use crate::harness::{House, adt, code, minutes_ago, peer, script};
use crate::partner::{CLIENT, Readers};

/// What a client came to; one that hangs is ended.
pub async fn ended(mut command: Command, within: Duration) -> Output {
    let ended = move || {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let until = Instant::now() + within;
        while child.try_wait().unwrap().is_none() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = child.kill();
        child.wait_with_output().unwrap()
    };
    tokio::task::spawn_blocking(ended).await.unwrap()
}

/// What a script prints as JSON; its own words when it fails.
async fn run(command: Command) -> Value {
    let output = ended(command, Duration::from_secs(60)).await;
    let (text, faults) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}\n{faults}");
    serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap_or_else(|_| panic!("{text}\n{faults}"))
}

/// Lets a script read five visits of one patient, and compares with what a plain client of ours finds.
async fn read_with(mut command: Command) -> Value {
    let readers = Readers::new().await;
    let mut hospital = readers.house.hospital().await;
    for number in 1..=5 {
        let (visit, begin, end) = (format!("V{number}"), minutes_ago(90 - 10 * number), minutes_ago(85 - 10 * number));
        assert_eq!(code(&hospital.send(&adt("A04", &format!("{number}A"), "4711", &visit, &begin)).await), "AA");
        assert_eq!(code(&hospital.send(&adt("A03", &format!("{number}B"), "4711", &visit, &end)).await), "AA");
    }
    let key = readers.house.folder.path().join("reader.pem");
    std::fs::write(&key, &readers.lakeside_pem).unwrap();
    command
        .env("HANDOVER_BASE", readers.house.url(""))
        .env("HANDOVER_CLIENT", CLIENT)
        .env("HANDOVER_KEY", key)
        .env("HANDOVER_KEY_ID", "lakeside-1")
        .env("HANDOVER_PATIENT", "urn:oid:2.16.840.1.113883.19.5|4711");
    let found = run(command).await;
    let own = readers.lakeside().await;
    let patient = own.ids("Patient").await.concat();
    let encounters = own.all_ids(&format!("Encounter?patient={patient}&_count=2")).await;
    assert_eq!(encounters.len(), 5);
    assert_eq!(found["encounters"], json!(encounters));
    assert_eq!(found["tasks"], json!(own.ids(&format!("Task?patient={patient}")).await));
    assert!(!found["tasks"].as_array().unwrap().is_empty());
    assert_eq!(found["read"], json!([encounters[0], "finished", format!("Patient/{patient}")]));
    // What the library promises of a search: how many, in which order, and the first of those asked for or nobody.
    let begun = async |id: &String| own.get(&format!("Encounter/{id}")).await.1["period"]["start"].to_string();
    let mut by_begin = Vec::new();
    for id in &encounters {
        by_begin.push((begun(id).await, id.clone()));
    }
    by_begin.sort_unstable();
    let by_begin: Vec<String> = by_begin.into_iter().map(|(_, id)| id).collect();
    let promises = &found["promises"];
    assert_eq!((&promises["count"], &promises["oldest"]), (&json!(5), &json!(by_begin[0])), "{promises}");
    assert_eq!(promises["newest"], json!([by_begin[4], by_begin[3]]), "{promises}");
    assert_eq!((&promises["named"], &promises["stranger"]), (&json!(patient), &Value::Null), "{promises}");
    assert_ne!(promises["unknown"], "answered", "a parameter that is not supported must not find somebody");
    readers.house.running.stop().await;
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn mllp_send_of_pypi_hl7_gets_its_aa_and_the_same_file_twice_is_one_record() {
    let Some(mllp_send) = peer("bin/mllp_send") else { return };
    let house = House::new().await;
    let file = house.folder.path().join("adt.hl7");
    std::fs::write(&file, [b"\x0b", adt("A04", "PY1", "4711", "V1", &minutes_ago(9)).as_bytes(), b"\x1c\r"].concat())
        .unwrap();
    let port = house.running.mllp["riverside"].port().to_string();
    for _ in 0..2 {
        let (mllp_send, file, port) = (mllp_send.clone(), file.clone(), port.clone());
        let output = tokio::task::spawn_blocking(move || {
            Command::new(mllp_send).args(["--file"]).arg(&file).args(["-p", &port, "127.0.0.1"]).output().unwrap()
        })
        .await
        .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("MSA|AA|PY1"), "{text} {}", String::from_utf8_lossy(&output.stderr));
    }
    let page = house.running.gateway.store.messages(&MessageFilter::default(), None, 10).await.unwrap();
    assert_eq!(page.items.len(), 1);
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn npm_node_hl7_client_sends_a_visit_over_one_connection() {
    let Some(mut command) = script("send_with_node_hl7.mjs", "node_modules/node-hl7-client") else { return };
    let house = House::new().await;
    let file = house.folder.path().join("messages.json");
    let visit = [
        adt("A04", "N1", "4711", "V1", &minutes_ago(90)),
        adt("A03", "N2", "4711", "V1", &minutes_ago(5)),
        adt("A03", "N3", "4711", "V1", &minutes_ago(4)).replace("4711^^^RIVERSIDE^MR", ""),
    ];
    std::fs::write(&file, json!(visit).to_string()).unwrap();
    command.env("HANDOVER_MESSAGES", file).env("HANDOVER_PORT", house.running.mllp["riverside"].port().to_string());
    assert_eq!(run(command).await, json!(["AA N1", "AA N2", "AE N3"]));
    let page = house.running.gateway.store.messages(&MessageFilter::default(), None, 10).await.unwrap();
    assert_eq!(page.items.len(), 3);
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pypi_fhirclient_gets_a_token_reads_and_finds_nothing_to_object_to() {
    let Some(command) = script("read_with_fhirclient.py", "pypi.list") else { return };
    read_with(command).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pypi_fhirpy_walks_the_pages() {
    let Some(command) = script("read_with_fhirpy.py", "pypi.list") else { return };
    let found = read_with(command).await;
    assert_eq!((&found["refused"], &found["valid"]), (&json!("ResourceNotFound"), &json!([true, false])));
}

#[tokio::test(flavor = "multi_thread")]
async fn npm_fhir_kit_client_walks_the_pages_and_reads_versions() {
    let Some(command) = script("read_with_fhir_kit.mjs", "node_modules/fhir-kit-client") else { return };
    let found = read_with(command).await;
    assert_eq!((&found["versions"], &found["refused"]), (&json!(["1", "history"]), &json!(404)));
    assert_eq!(found["validated"], json!([["Patient.gender", "1:36"]]));
}
