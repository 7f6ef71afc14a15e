//! `handover validate`, as people and scripts use it: what it shows, how it ends, and what it says when it cannot.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const GOOD: &str = r#"{ "resourceType": "Patient", "text": { "status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>" }, "gender": "female" }"#;
const BAD: &str = "{\n  \"resourceType\": \"Patient\",\n  \"gender\": \"F\",\n  \"birthDate\": \"1950-02-30\"\n}\n";

fn validate(arguments: &[&str], folder: &Path, input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_handover"));
    command.arg("validate").args(arguments).current_dir(folder).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that refuses its arguments reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("good.json", GOOD);
    write("bad.json", BAD);
    std::fs::create_dir_all(folder.path().join("export/empty")).unwrap();
    write("export/some.ndjson", &format!("{GOOD}\n\n{{ \"resourceType\": \"Patient\", \"gender\": \"M\" }}\n"));
    write("export/package.json", "{ \"name\": \"x\" }");
    folder
}

#[test]
fn a_fault_is_shown_with_its_line_and_a_caret() {
    let folder = folder();
    let output = validate(&["bad.json"], folder.path(), "");
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("error[code-invalid]: Patient.gender: this code must be one of male"), "{text}");
    assert!(text.contains("--> bad.json:3:13"), "{text}");
    assert!(text.contains("3 |   \"gender\": \"F\",\n  |             ^^^"), "{text}");
    assert!(
        text.contains("--> bad.json:4:16") && text.contains("warning[invariant]: Patient: the invariant dom-6"),
        "{text}"
    );
    assert!(text.contains("1 resource checked, 1 is not valid; 2 errors; 1 warning"), "{text}");
    let text = said(&validate(&["bad.json", "--errors-only"], folder.path(), ""));
    assert!(!text.contains("dom-6") && text.contains("Patient.birthDate"), "{text}");
    let good = validate(&["good.json"], folder.path(), "");
    assert_eq!((good.status.code(), said(&good).as_str()), (Some(0), "1 resource checked, all valid\n"));
}

#[test]
fn folders_lines_and_standard_input_are_read() {
    let folder = folder();
    let output = validate(&["export", "--json"], folder.path(), "");
    assert_eq!(output.status.code(), Some(1));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&found["resources"], &found["errors"], found["files"].as_array().unwrap().len()),
        (&2.into(), &1.into(), 1)
    );
    let text = said(&validate(&["export"], folder.path(), ""));
    assert!(
        text.contains("2 resources checked, 1 is not valid") && text.contains("1 other file passed over"),
        "{text}"
    );
    let issues = found["files"][0]["outcome"]["issue"].as_array().unwrap();
    let wrong = issues.iter().find(|issue| issue["severity"] == "error").unwrap();
    assert_eq!(wrong["location"][0], "export/some.ndjson:3:40");
    assert_eq!(wrong["expression"][0], "Patient.gender");
    let output = validate(&["-"], folder.path(), GOOD);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let output = validate(&["-"], folder.path(), &format!("{GOOD}\n{{ \"resourceType\": \"Nobody\" }}"));
    assert!(said(&output).contains("standard input:2:1") && output.status.code() == Some(1), "{}", said(&output));
}

#[test]
fn profiles_are_claimed_or_asked_for() {
    let folder = folder();
    let output = validate(&["good.json", "--profile", "us-core-patient"], folder.path(), "");
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("Patient.name: this element is required (us-core-patient)"), "{text}");
    let claimed = GOOD.replace("\"gender\"", "\"meta\": { \"profile\": [\"http://nowhere.example/p\"] }, \"gender\"");
    let output = validate(&["-"], folder.path(), &claimed);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("1 × the profile http://nowhere.example/p is not here"), "{}", said(&output));
    let output = validate(&["good.json", "--profile", "us-core-patiant"], folder.path(), "");
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("did you mean us-core-patient?"), "{}", said(&output));
}

#[test]
fn a_sites_own_packages_count() {
    let folder = folder();
    let init = Command::new(env!("CARGO_BIN_EXE_handover")).args(["init", "site"]).current_dir(folder.path()).output();
    assert!(init.unwrap().status.success());
    let package = folder.path().join("site/profiles/teens");
    std::fs::create_dir_all(&package).unwrap();
    std::fs::write(package.join("package.txt"), "example.teens 1.0.0\n").unwrap();
    let profile = "profile Patient http://x.example/teen : Patient\nbirthDate 1..\n";
    std::fs::write(package.join("teen.txt"), profile).unwrap();
    let ask = ["good.json", "--site", "site", "--profile", "http://x.example/teen"];
    let text = said(&validate(&ask, folder.path(), ""));
    assert!(text.contains("Patient.birthDate: this element is required (teen)"), "{text}");
    std::fs::write(package.join("teen.txt"), "profile Patient http://x.example/teen : Patient\nbirthDate {\n").unwrap();
    let output = validate(&ask, folder.path(), "");
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("profiles/teens/teen.txt:2:1"), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn partners_ask_a_running_gateway() {
    let readers = crate::partner::Readers::new().await;
    let reader = readers.lakeside().await;
    let ask = |path: &str, body: &str| {
        let request = readers.http.post(format!("{}/{path}", reader.base)).bearer_auth(&reader.token);
        request.header("content-type", "application/fhir+json").body(body.to_string()).send()
    };
    let answer = ask("Patient/$validate", BAD).await.unwrap();
    assert_eq!(answer.status(), 200);
    let outcome: Value = answer.json().await.unwrap();
    let errors: Vec<&Value> =
        outcome["issue"].as_array().unwrap().iter().filter(|issue| issue["severity"] == "error").collect();
    let places: Vec<&str> = errors.iter().map(|issue| issue["location"][0].as_str().unwrap()).collect();
    assert_eq!(places, ["3:13", "4:16"], "{outcome}");
    assert_eq!(ask("Patient/$validate", "{").await.unwrap().status(), 400);
    assert_eq!(readers.http.post(format!("{}/Patient/$validate", reader.base)).send().await.unwrap().status(), 401);
    let large = format!("{{\"resourceType\":\"Patient\",\"id\":\"{}\"}}", "x".repeat(5 << 20));
    assert_eq!(ask("Patient/$validate", &large).await.unwrap().status(), 413);
    readers.house.running.stop().await;
}

#[test]
fn what_is_no_resource_is_said_and_what_is_not_there_ends_the_run() {
    let folder = folder();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("broken.json", "{ \"resourceType\": \"Patient\",\n }");
    write("twice.json", "{ \"resourceType\": \"Patient\", \"active\": true,\n \"active\": false }");
    write("p.xml", "<Patient xmlns=\"http://hl7.org/fhir\">\n  <gender value=\"F\"/></Patient>");
    write("export/pom.xml", "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"/>");
    for (file, code, part) in [
        ("broken.json", 1, "broken.json:2:2"),
        ("twice.json", 1, "twice.json:2:2"),
        ("export/package.json", 1, "no FHIR resource"),
        ("p.xml", 1, "p.xml:2:3"),
        ("export/pom.xml", 1, "no FHIR resource"),
        ("absent.json", 2, "cannot read absent.json"),
        ("export/empty", 2, "there are no .json"),
    ] {
        let output = validate(&[file], folder.path(), "");
        let text = said(&output);
        assert_eq!(output.status.code(), Some(code), "{file}: {text}");
        assert!(text.contains(part), "{file}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_we_say_of_ourselves_is_valid() {
    let house = crate::harness::House::new().await;
    let stated: Value = reqwest::get(house.url("/fhir/metadata")).await.unwrap().json().await.unwrap();
    assert_eq!(stated["resourceType"], "CapabilityStatement");
    let stated = handover::fhir::Resource::try_from(stated).unwrap();
    let found = handover::profile::validate_against(&stated, &[], handover::profile::Profiles::built_in());
    let errors: Vec<String> = found.iter().filter(|problem| problem.is_error()).map(ToString::to_string).collect();
    assert_eq!(errors, Vec::<String>::new());
    house.running.stop().await;
}
