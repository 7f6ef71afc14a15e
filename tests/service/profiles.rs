//! `handover profiles`, as people and scripts use it: a package into a site, what it says when it cannot, and that the
//! definitions which are built in are exactly what their packages reduce to.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

fn handover(arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_handover"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A folder with a starter site in `site`.
fn site() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    assert!(handover(&["init", "site"], folder.path()).status.success());
    folder
}

fn package(release: &str) -> Vec<(&'static str, Value)> {
    vec![
        (
            "package/StructureDefinition-teen.json",
            json!({"resourceType": "StructureDefinition", "id": "teen",
            "url": "http://x.example/teen", "version": "1.0.0", "kind": "resource", "derivation": "constraint",
            "type": "Patient", "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
            "differential": {"element": [{"id": "Patient", "path": "Patient"},
                                         {"id": "Patient.birthDate", "path": "Patient.birthDate", "min": 1}]}}),
        ),
        ("package/example/Patient-1.json", json!({"resourceType": "Patient"})),
        ("package/OperationDefinition-o.json", json!({"resourceType": "OperationDefinition"})),
        (
            "package/package.json",
            json!({"name": "example.care", "version": "1.0.0", "fhirVersions": [release],
            "dependencies": {"hl7.fhir.r4.core": "4.0.1", "example.absent": "2.0.0"}}),
        ),
    ]
}

/// Writes the files as a .tgz and gives its bytes.
fn packed(files: &[(&str, Value)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default()));
    for (name, json) in files {
        let text = json.to_string();
        let mut header = tar::Header::new_ustar();
        header.set_size(u64::try_from(text.len()).unwrap());
        header.set_mode(0o644);
        header.set_cksum();
        archive.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

#[test]
fn a_package_comes_into_a_site_once_and_tells_what_it_misses() {
    let folder = site();
    std::fs::write(folder.path().join("p.tgz"), packed(&package("4.0.1"))).unwrap();
    let add = ["profiles", "add", "p.tgz", "--site", "site"];
    let first = handover(&add, folder.path());
    let text = said(&first);
    assert_eq!(first.status.code(), Some(0), "{text}");
    assert!(text.contains("example.care 1.0.0: 1 profile\n"), "{text}");
    assert!(text.contains("1 OperationDefinition") && text.contains("example.absent 2.0.0"), "{text}");
    let written = folder.path().join("site/profiles/example.care/profiles/teen.txt");
    let expected = "profile Patient http://x.example/teen|1.0.0 : Patient\nbirthDate 1..\n";
    assert_eq!(std::fs::read_to_string(written).unwrap(), expected);
    assert!(said(&handover(&add, folder.path())).contains("unchanged"));
    assert!(handover(&["check", "site"], folder.path()).status.success());
    let left: Vec<_> =
        std::fs::read_dir(folder.path().join("site")).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_str().unwrap().contains("example")), "{left:?}");

    let listed = handover(&["profiles", "list", "--site", "site", "--json"], folder.path());
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let own = listed["items"].as_array().unwrap().iter().find(|item| item["package"] == "example.care").unwrap();
    assert_eq!(own["holds"]["profiles"], 1);
    assert_eq!(own["missing"], json!([{"package": "example.absent", "version": "2.0.0"}]));
    assert!(listed["items"].as_array().unwrap().iter().any(|item| item["package"] == "hl7.fhir.us.core"));
}

#[test]
fn a_new_version_takes_the_place_of_the_old_one_whole() {
    let folder = site();
    let mut files = package("4.0.1");
    std::fs::write(folder.path().join("p.tgz"), packed(&files)).unwrap();
    assert!(handover(&["profiles", "add", "p.tgz", "--site", "site"], folder.path()).status.success());
    files[0].1["id"] = json!("young");
    files[3].1["version"] = json!("1.1.0");
    std::fs::write(folder.path().join("p.tgz"), packed(&files)).unwrap();
    let text = said(&handover(&["profiles", "add", "p.tgz", "--site", "site"], folder.path()));
    assert!(text.contains("in place of 1.0.0"), "{text}");
    let names: Vec<_> = texts(&folder.path().join("site/profiles/example.care")).into_keys().collect();
    assert_eq!(names, ["package.txt", "profiles/young.txt"]);
    let other = handover(&["profiles", "add", "p.tgz", "--site", "site", "--name", "other"], folder.path());
    assert_eq!(other.status.code(), Some(2), "the same package in two folders would be a matter of chance");
}

#[test]
fn whatever_is_no_package_for_r4_is_refused_with_a_reason_and_changes_nothing() {
    let folder = site();
    let whole = packed(&package("4.0.1"));
    let cases: [(&str, Vec<u8>, &str); 6] = [
        ("cut.tgz", whole[..whole.len() / 2].to_vec(), "cut off"),
        ("r5.tgz", packed(&package("5.0.0")), "is for FHIR 5.0.0"),
        ("bare.tgz", packed(&package("4.0.1")[..3]), "no package/package.json"),
        ("text.tgz", b"<html>not found</html>".to_vec(), "is not a FHIR package"),
        ("guide.zip", b"PK\x03\x04rest".to_vec(), "is a zip archive"),
        ("p.tar.xz", b"\xfd7zXZ\0rest".to_vec(), "unpack it first"),
    ];
    for (name, bytes, reason) in cases {
        std::fs::write(folder.path().join(name), bytes).unwrap();
        let output = handover(&["profiles", "add", name, "--site", "site"], folder.path());
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(said(&output).contains(reason), "{name}: {}", said(&output));
    }
    let absent = handover(&["profiles", "add", "absent.tgz", "--site", "site"], folder.path());
    assert!(said(&absent).contains("cannot read absent.tgz"), "{}", said(&absent));
    assert!(!folder.path().join("site/profiles/example.care").exists());
    std::fs::write(folder.path().join("p.tgz"), whole).unwrap();
    let nowhere = handover(&["profiles", "add", "p.tgz"], folder.path());
    assert!(said(&nowhere).contains("no handover.yaml"), "{}", said(&nowhere));
    let occupied = handover(&["profiles", "add", "p.tgz", "--out", "site"], folder.path());
    assert!(said(&occupied).contains("is no package of definitions"), "{}", said(&occupied));
}

/// The packages are in the corpus; R4's is packed with xz, which is asked to unpack it.
#[test]
fn what_is_built_in_is_exactly_what_the_packages_reduce_to() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let packages = root.join("../shared/corpus/fhir/packages");
    if !packages.is_dir() {
        println!("skipped: the corpus is not beside the repository");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let us_core = packages.join("hl7.fhir.us.core-7.0.0.tgz");
    compare(&us_core, &root.join("profiles/us-core"), folder.path());
    match unpacked(&packages.join("hl7.fhir.r4.core-4.0.1.tar.xz"), folder.path()) {
        Some(r4) => compare(&r4, &root.join("profiles/r4"), folder.path()),
        None => println!("skipped for R4: there is no `xz` to unpack it"),
    }
}

#[test]
fn a_profile_is_shown_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let output = handover(&["profiles", "show", "us-core-blood-pressure"], folder.path());
    let shown = said(&output);
    assert!(output.status.success() && shown.contains("component:systolic.code"), "{shown}");
    assert!(shown.contains("error vs-2 on Observation: "), "what the base demands is there too: {shown}");
    let json = handover(&["profiles", "show", "handover-task", "--json"], folder.path());
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    let owner = json["elements"].as_array().unwrap().iter().find(|element| element["id"] == "owner").unwrap();
    assert_eq!((owner["min"].as_u64(), owner["max"].as_str()), (Some(1), Some("1")));
    let unknown = handover(&["profiles", "show", "us-core-patint"], folder.path());
    assert_eq!(unknown.status.code(), Some(2));
    assert!(said(&unknown).contains("did you mean us-core-patient?"));
}

fn compare(package: &Path, expected: &Path, folder: &Path) {
    let made = folder.join(expected.file_name().unwrap());
    let arguments = ["profiles", "add", package.to_str().unwrap(), "--out", made.to_str().unwrap()];
    let output = handover(&arguments, folder);
    assert!(output.status.success(), "{}", said(&output));
    let (made, expected) = (texts(&made), texts(expected));
    let differing: Vec<_> = made.iter().filter(|(name, text)| expected.get(*name) != Some(text)).collect();
    let names: Vec<_> = differing.iter().map(|(name, _)| name).collect();
    assert!(names.is_empty(), "run `handover profiles add` again (profiles/README.md): {names:?}");
    let left_over: Vec<_> = expected.keys().filter(|name| !made.contains_key(*name)).collect();
    assert!(left_over.is_empty(), "no package has {left_over:?}");
}

fn unpacked(package: &Path, folder: &Path) -> Option<PathBuf> {
    let output = Command::new("xz").arg("-dkc").arg(package).output().ok()?;
    let path = folder.join("package.tar");
    std::fs::File::create(&path).unwrap().write_all(&output.stdout).unwrap();
    output.status.success().then_some(path)
}

/// All files of a reduced package by their path in it.
fn texts(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_string();
                found.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}
