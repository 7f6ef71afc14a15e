//! HL7's own R4 examples against R4 core: what is valid must be accepted.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use handover::fhir::Resource;
use handover::profile::{Profiles, validate, validate_against};

/// Example resources that say what they are by R4; the suite's other inputs carry comments of an older release.
fn examples() -> Vec<PathBuf> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let named = ["appointment-examplereq.json", "patient-name-extensions.json", "questionnaire-example.json"];
    let mut files: Vec<PathBuf> = named.iter().map(|name| corpus.join("fhirpath/in").join(name)).collect();
    if let Ok(entries) = fs::read_dir(corpus.join("fhir/davinci-notifications")) {
        files.extend(entries.map(|entry| entry.unwrap().path()));
    }
    files.retain(|file| file.exists() && file.extension().is_some_and(|end| end == "json"));
    files
}

#[test]
fn official_examples_are_valid() {
    let files = examples();
    if files.is_empty() {
        println!("skipped: the examples are not here");
        return;
    }
    for file in &files {
        let resource: Resource = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        let faults: Vec<String> = validate(&resource).iter().map(ToString::to_string).collect();
        assert_eq!(faults, Vec::<String>::new(), "{}", file.display());
    }
    println!("{} examples are valid", files.len());
}

/// Whole records of made-up people by Synthea, against R4 (they claim no profiles).
#[test]
fn records_of_synthea_are_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/fhir/synthea");
    let Ok(entries) = fs::read_dir(folder) else {
        println!("skipped: the records are not here");
        return;
    };
    let (mut bundles, mut entries_checked) = (0, 0);
    for entry in entries {
        let path = entry.unwrap().path();
        let Ok(output) = Command::new("xz").arg("-dkc").arg(&path).output() else {
            println!("skipped: there is no `xz` to unpack the records");
            return;
        };
        let bundle: Resource = serde_json::from_slice(&output.stdout).unwrap();
        let faults = validate_against(&bundle, &[], Profiles::built_in());
        let errors: Vec<String> = faults.iter().filter(|it| it.is_error()).map(ToString::to_string).collect();
        assert_eq!(errors, Vec::<String>::new(), "{}", path.display());
        bundles += 1;
        entries_checked += bundle.get("entry").and_then(|entry| entry.as_array()).map_or(0, Vec::len);
    }
    println!("{bundles} records with {entries_checked} resources are valid");
}
