//! A second opinion on what we make: every resource in the expected results against the types of fhir.resources (PyPI), and
//! against our own validator. Skipped where `./test` has not installed the package.

use std::path::{Path, PathBuf};
use std::process::Command;

use handover::fhir::Resource;
use handover::profile::validate;
use serde_json::Value;

#[test]
fn fhir_resources_of_pypi_finds_every_result_valid() {
    let folder = std::env::var_os("HANDOVER_TEST_PEERS").map(PathBuf::from);
    let Some(folder) = folder.filter(|folder| folder.join("fhir.resources.list").exists()) else {
        println!("skipped: fhir.resources is not installed; ./test installs it");
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/peers.py");
    let output = Command::new(folder.join("bin/python")).arg(script).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}");
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let count: usize = text.lines().find_map(|line| line.split_once(" resources, 0 faults")?.0.parse().ok()).unwrap();
    assert!(count >= 100, "only {count} resources were looked at");
}

/// Whatever says what type it is, and is inside nothing else that does.
fn resources<'v>(value: &'v Value, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(map) if map.contains_key("resourceType") => found.push(value),
        Value::Object(map) => map.values().for_each(|value| resources(value, found)),
        Value::Array(items) => items.iter().for_each(|item| resources(item, found)),
        _ => {}
    }
}

#[test]
fn our_own_validator_finds_every_result_valid() {
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/messages")];
    let mut count = 0;
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(path.read_dir().unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|ending| ending == "json") {
            let json: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            let mut found = Vec::new();
            resources(&json, &mut found);
            for value in found {
                let resource = Resource::try_from(value.clone()).unwrap();
                let faults: Vec<String> = validate(&resource).iter().map(ToString::to_string).collect();
                assert!(faults.is_empty(), "{}: {}: {faults:#?}", path.display(), resource.resource_type());
                count += 1;
            }
        }
    }
    assert!(count >= 100, "only {count} resources were looked at");
}
