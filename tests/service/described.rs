//! What the gateway says of itself in OpenAPI is believed by a stranger: schemathesis (PyPI) makes requests from it, good ones and bad ones, and
//! holds every answer against what the document says may come.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::harness::peer;
use crate::peers::ended;
use crate::writing::Practice;

/// What is held against the document.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance,allow_header_conformance";

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_finds_no_answer_that_the_document_does_not_name() {
    let Some(schemathesis) = peer("bin/schemathesis") else { return };
    let practice = Practice::new().await;
    let house = &practice.readers.house;
    // The whole document is that of FHIR and the rest, of which FHIR was asked already; feeds take messages, not noise.
    let all = [
        ("/fhir/openapi.json", "Handover FHIR interface", "35", "^/nothing$"),
        ("/openapi.json", "Handover", "8", "^/(fhir|hl7)"),
    ];
    for (address, title, seconds, but) in all {
        let asked = practice.readers.http.get(house.url(address)).bearer_auth(&practice.ehr.token);
        let document: Value = asked.send().await.unwrap().json().await.unwrap();
        assert_eq!((&document["openapi"], &document["info"]["title"]), (&"3.1.0".into(), &title.into()));
        let file = house.folder.path().join("openapi.json");
        std::fs::write(&file, document.to_string()).unwrap();
        let server = document["servers"][0]["url"].as_str().unwrap().to_string();
        let mut command = Command::new(&schemathesis);
        command
            .arg("run")
            .arg(&file)
            .args(["--url", &server, "--checks", CHECKS, "--phases", "coverage,fuzzing", "--max-examples", "4"])
            .args(["--generation-deterministic", "--no-color"])
            .args(["--continue-on-failure", "--rate-limit", "90/s", "--max-time", seconds, "--no-shrink"])
            .args(["--exclude-path-regex", but])
            .args(["--header", &format!("Authorization: Bearer {}", practice.ehr.token)])
            .current_dir(house.folder.path());
        let output = ended(command, Duration::from_secs(100)).await;
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{address}: {told}{}", String::from_utf8_lossy(&output.stderr));
        println!("{address}: {}", told.lines().filter(|line| line.contains("generated, ")).collect::<String>());
    }
    practice.stop().await;
}
