//! Commands as programs call them: with `--json`, standard output is one document, whatever comes of it.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{House, adt, code, minutes_ago, write_site};

/// Exit code, standard output and standard error.
fn run(words: &[&str], site: &Path) -> (Option<i32>, String, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_handover")).args(words).arg("--site").arg(site).output().expect("it ran");
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_roster_is_told_as_one_document_whatever_comes_of_it() {
    let house = House::new().await;
    let site = house.folder.path();
    let members = std::fs::read_to_string(site.join("panels/lakeside.csv")).unwrap();
    let (whole, faulty) = (site.join("whole.csv"), site.join("faulty.csv"));
    std::fs::write(&whole, format!("{members}L-4000,6900,,,en,\n")).unwrap();
    std::fs::write(&faulty, format!("{members}L-4001,6901,,,en,no number\n")).unwrap();
    let import = |file: &Path, words: &[&str], site: &Path| {
        let all = [&["panel", "import", file.to_str().unwrap(), "--panel", "lakeside", "--json"], words].concat();
        let (code, told, noted) = run(&all, site);
        let told: Value = serde_json::from_str(&told).unwrap_or_else(|fault| panic!("{fault}: {told}{noted}"));
        (code, told)
    };
    for words in [&[][..], &["--check"]] {
        let (code, told) = import(&faulty, words, site);
        assert_eq!((code, &told["imported"], &told["rows"]), (Some(1), &json!(false), &json!(9)), "{told}");
        assert_eq!(told["problems"][0]["severity"], "error", "{told}");
    }
    let (code, told) = import(&whole, &["--check"], site);
    assert_eq!((code, &told["imported"], &told["members_before"]), (Some(0), &json!(false), &json!(8)), "{told}");
    assert_eq!(told["joining"].as_array().unwrap().len(), 1, "{told}");
    let (code, told) = import(&whole, &[], site);
    assert_eq!((code, &told["imported"], &told["members"]), (Some(0), &json!(true), &json!(9)), "{told}");
    // Where nothing was ever started everybody joins.
    let fresh = tempfile::tempdir().unwrap();
    write_site(fresh.path(), &|_, text| text);
    let (code, told) = import(&whole, &["--check"], fresh.path());
    assert_eq!((code, told["joining"].as_array().map(Vec::len)), (Some(0), Some(9)), "{told}");
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_is_told_as_a_document_and_a_thing_without_a_word_of_it_asks_for_one() {
    let house = House::new().await;
    let mut hospital = house.hospital().await;
    let message = adt("A04", "1", "4711", "V1", &minutes_ago(9)) + "DG1|2||F10.20^Alcohol dependence^I10|||F\r";
    assert_eq!(code(&hospital.send(&message).await), "AA");
    let site = house.folder.path();
    let patient = "urn:oid:2.16.840.1.113883.19.5|4711";
    let told = |words: &[&str]| -> Value {
        let (code, told, noted) = run(words, site);
        assert_eq!(code, Some(0), "{told}{noted}");
        serde_json::from_str(&told).unwrap()
    };
    let listed = told(&["look", patient, "--json"]);
    let thing = listed["items"][0]["resource"].as_str().unwrap_or_else(|| panic!("{listed}"));
    let (code, said, noted) = run(&["look", thing, "--json"], site);
    assert_eq!((code, said.as_str()), (Some(2), ""), "{noted}");
    assert!(noted.contains("--plain or --label CODE") && noted.contains("`system|value`"), "{noted}");
    let words = ["look", thing, "--label", "ETH", "--note", "says the letter", "--who", "maria", "--json"];
    assert_eq!(told(&words), json!({ "done": true }));
    house.running.stop().await;
}

#[test]
fn a_site_takes_its_secrets_and_keys_from_the_folder_of_credentials() {
    let (site, secrets) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let pem = rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
    let settings = "store: { engine: postgres, url: '${CREDENTIAL:database}' }\n\
        http: { listen: '0.0.0.0:8443', tls: { certificate: '${CREDENTIAL:crt}', key: '${CREDENTIAL:key}' } }\n";
    std::fs::write(site.path().join("handover.yaml"), settings).unwrap();
    std::fs::write(secrets.path().join("database"), "postgres://u:hunter2@h/db\n").unwrap();
    std::fs::write(secrets.path().join("crt"), pem.cert.pem()).unwrap();
    let check = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_handover"));
        command.env("CREDENTIALS_DIRECTORY", secrets.path()).arg("check").arg(site.path());
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, told) = check();
    assert!(code == Some(1) && told.contains("there is no credential `${CREDENTIAL:key}`"), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
    std::fs::write(secrets.path().join("key"), pem.signing_key.serialize_pem()).unwrap();
    let (code, told) = check();
    assert!(code == Some(0) && told.contains("no problems"), "{told}");
}
