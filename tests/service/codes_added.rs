//! `handover terminology`: files of the published shape, with codes and words of our own, into a site that runs; and files that are none.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::codes::{codes, out};
use crate::partner::{Reader, Readers};
use crate::published::{LOINC_COLUMNS, loinc, loinc_with_answers, packed, rxnorm, small_loinc, snomed, write};

const SCT: &str = "http://snomed.info/sct";
const RXNORM: &str = "http://www.nlm.nih.gov/research/umls/rxnorm";
fn handover(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_handover")).args(arguments).current_dir(folder).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

async fn lookup(reader: &Reader, system: &str, code: &str) -> Value {
    reader.get(&format!("CodeSystem/$lookup?system={system}&code={code}")).await.1
}

fn quoted(url: &str) -> String {
    percent_encoding::utf8_percent_encode(url, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn properties<'v>(body: &'v Value, name: &str) -> Vec<&'v str> {
    let all = body["parameter"].as_array().unwrap().iter().filter(|one| one["name"] == "property");
    let own = all.filter(|one| one["part"][0]["valueCode"] == name).map(|one| one["part"][1].as_object().unwrap());
    own.map(|value| value.iter().find(|(key, _)| key.starts_with("value")).unwrap().1.as_str().unwrap_or("")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_site_adds_is_used_by_everything_that_asks_about_codes() {
    let readers = Readers::new().await;
    let reader = readers.lakeside().await;
    let site = readers.house.folder.path();
    let work = tempfile::tempdir().unwrap();
    snomed(&work.path().join("sct"));
    packed(&work.path().join("sct"), &work.path().join("SnomedCT_InternationalRF2_PRODUCTION_20250101T120000Z.zip"));
    rxnorm(&work.path().join("RxNorm_full_01062025"));
    loinc_with_answers(&work.path().join("Loinc_2.80"));
    let oid = "2.16.840.1.113762.1.4.1.9999";
    let expanded = json!({ "resourceType": "ValueSet", "url": format!("http://cts.nlm.nih.gov/fhir/ValueSet/{oid}"), "version": "20250101", "name": "OurCoughs", "status": "active",
        "compose": { "include": [{ "valueSet": ["http://cts.nlm.nih.gov/fhir/ValueSet/1.2.3"] }] },
        "expansion": { "timestamp": "2025-01-01", "total": 1, "contains": [{ "system": SCT, "version": "http://snomed.info/sct/731000124108/version/20240901", "code": "900001005", "display": "Cough as VSAC has it" }] } });
    write(work.path(), "ValueSet.json", &expanded.to_string());
    write(
        work.path(),
        "export.txt",
        "Value Set Name\tOur drugs\nOID\t2.16.840.1.113762.1.4.1.8888\n\nCode\tDescriptor\tCode System Name\tCode System Version\tCode System OID\n200\toursazole\tRXNORM\t2025-01\t2.16.840.1.113883.6.88\n",
    );
    for (file, part) in [
        ("SnomedCT_InternationalRF2_PRODUCTION_20250101T120000Z.zip", "7 codes"),
        ("RxNorm_full_01062025", "version 01062025: 3 codes"),
        ("Loinc_2.80", "http://loinc.org version 2.80: 6 codes"),
        ("ValueSet.json", "1 code"),
        ("export.txt", "Our_drugs"),
    ] {
        let output = handover(&["terminology", "add", file, "--site", site.to_str().unwrap()], work.path());
        let text = said(&output);
        assert!(output.status.success() && text.contains("licence: "), "{file}: {text}");
        assert!(text.contains(part) || file == "export.txt", "{file}: {text}");
    }
    let data = site.join("data");
    let reload = handover(&["reload", "--data", data.to_str().unwrap()], work.path());
    assert!(reload.status.success(), "{}", said(&reload));

    let body = lookup(&reader, SCT, "900001005").await;
    assert_eq!(
        (out(&body, "display"), out(&body, "version")),
        (&json!("Cough, color"), &json!("http://snomed.info/sct/900000000000207008/version/20250101")),
        "{body}"
    );
    assert_eq!((properties(&body, "parent"), properties(&body, "child")), (vec!["64572001"], vec!["900002003"]));
    let body = lookup(&reader, RXNORM, "200").await;
    assert_eq!(
        (out(&body, "display"), properties(&body, "has_ingredient"), properties(&body, "TTY")),
        (&json!("oursazole 5 MG Oral Tablet"), vec!["100"], vec!["SCD"])
    );
    let (_, body) = reader.get(&format!("CodeSystem/$subsumes?system={SCT}&codeA=404684003&codeB=900002003")).await;
    assert_eq!(out(&body, "outcome"), "subsumes", "{body}");
    let (status, body) = reader.get("CodeSystem/sct/$subsumes?codeA=900001005&codeB=138875005").await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(out(&body, "outcome"), "subsumed-by", "{body}");

    // R4's and US Core's own value sets over them: is-a, a property, listed codes with their names.
    let (status, body) = reader.get("ValueSet/condition-code/$expand").await;
    assert_eq!(
        (status, codes(&body)),
        (200, vec!["404684003", "64572001", "900001005", "900002003", "160245001"]),
        "{body}"
    );
    let (_, body) = reader.get("ValueSet/condition-code/$expand?filter=color%20cou&count=1").await;
    assert_eq!((codes(&body), &body["expansion"]["total"]), (vec!["900001005"], &json!(1)), "{body}");
    let note = "http://hl7.org/fhir/us/core/ValueSet/us-core-documentreference-type";
    let (_, body) = reader
        .get(&format!("ValueSet/$expand?url={note}&exclude-system=http://terminology.hl7.org/CodeSystem/v3-NullFlavor"))
        .await;
    assert_eq!(codes(&body), ["18842-5", "718-7"], "{body}");
    let (_, body) = reader.get(&format!("ValueSet/$expand?url={note}&activeOnly=true&filter=letter")).await;
    assert_eq!(body["expansion"]["contains"][0]["display"], "Letter at discharge", "{body}");
    let vsac = format!("http://cts.nlm.nih.gov/fhir/ValueSet/{oid}");
    for (path, result, part) in [
        (
            format!(
                "ValueSet/$validate-code?url={vsac}&system={SCT}&code=900001005&display=cough%20as%20vsac%20has%20it"
            ),
            true,
            "",
        ),
        (format!("ValueSet/$validate-code?url={vsac}&system={SCT}&code=64572001"), false, "does not have"),
        (format!("CodeSystem/$validate-code?url={SCT}&code=900003008"), true, "no longer"),
        (format!("CodeSystem/$validate-code?url={SCT}&code=900004002"), false, "no such code"),
        (format!("CodeSystem/$validate-code?url={SCT}&code=900001005&display=Tos%20nuestra"), true, ""),
        (
            format!(
                "CodeSystem/$validate-code?url={SCT}&version=http://snomed.info/sct/900000000000207008&code=900001005"
            ),
            true,
            "",
        ),
        (
            format!("CodeSystem/$validate-code?url={SCT}&version=http://snomed.info/sct/731000124108&code=900001005"),
            false,
            "is here in version",
        ),
        (
            "ValueSet/condition-code/$validate-code?system=http://snomed.info/sct&code=138875005".to_string(),
            false,
            "does not have",
        ),
        ("CodeSystem/loinc.org/$validate-code?code=8480-6&display=BP%20up".to_string(), true, ""),
    ] {
        let (status, body) = reader.get(&path).await;
        assert_eq!((status, out(&body, "result")), (200, &json!(result)), "{path}: {body}");
        assert!(out(&body, "message").as_str().unwrap_or_default().contains(part), "{path}: {body}");
    }
    let (_, drugs) = reader.get("ValueSet/2.16.840.1.113762.1.4.1.8888").await;
    assert_eq!(
        drugs["compose"]["include"][0]["concept"],
        json!([{ "code": "200", "display": "oursazole" }]),
        "{drugs}"
    );

    // Value sets that their URL alone says, with what a release holds beside the tree.
    for (url, wanted) in [
        ("http://loinc.org/vs/LL900-1", vec!["LA902-3", "LA903-1", "LA901-5"]),
        ("http://loinc.org/vs/LL900-1|2.80", vec!["LA902-3", "LA903-1", "LA901-5"]),
        ("http://snomed.info/sct/900000000000207008?fhir_vs=refset", vec!["900005001"]),
        ("http://snomed.info/sct?fhir_vs=refset/900005001", vec!["64572001", "900002003"]),
        ("http://snomed.info/sct?fhir_vs=refset", vec!["900005001"]),
        ("http://snomed.info/sct?fhir_vs=isa/900001005", vec!["900001005", "900002003"]),
        ("http://snomed.info/sct?fhir_vs=ecl/^ 900005001 MINUS < 64572001 |Illness|", vec!["64572001"]),
        ("http://snomed.info/sct?fhir_vs=ecl/%3C%3C900001005 AND ^900005001", vec!["900002003"]),
    ] {
        let (status, body) = reader.get(&format!("ValueSet/$expand?url={}", quoted(url))).await;
        assert_eq!((status, codes(&body)), (200, wanted), "{url}: {body}");
    }
    for (url, status, part) in [
        ("http://loinc.org/vs/LL910-0", 422, "`LIST = LL910-0` of http://loinc.org"),
        ("http://snomed.info/sct?fhir_vs=refset/900001005", 422, "`concept in 900001005`"),
        ("http://snomed.info/sct?fhir_vs=ecl/< 64572001: 363698007 = *", 400, "a refinement by attributes"),
        ("http://snomed.info/sct?fhir_vs=isa/cough", 400, "`cough` is no SNOMED CT identifier"),
        ("http://snomed.info/sct/731000124108?fhir_vs=refset", 404, "900000000000207008/version/20250101"),
        ("http://loinc.org/vs/LL900-1|2.81", 404, "2.80"),
    ] {
        let (told, body) = reader.get(&format!("ValueSet/$expand?url={}", quoted(url))).await;
        assert_eq!(told, status, "{url}: {body}");
        assert!(body.to_string().contains(part), "{url}: {body}");
    }
    for (code, result) in [("900002003", true), ("900001005", false)] {
        let set = quoted("http://snomed.info/sct?fhir_vs=refset/900005001");
        let (_, body) = reader.get(&format!("ValueSet/$validate-code?url={set}&system={SCT}&code={code}")).await;
        assert_eq!(out(&body, "result"), &json!(result), "{code}: {body}");
    }

    // What a record says is checked by the same codes.
    let condition = json!({ "resourceType": "Condition", "subject": { "reference": "Patient/x" }, "code": { "coding": [{ "system": SCT, "code": "900004002" }] } });
    let request = reader.http.post(format!("{}/Condition/$validate", reader.base)).bearer_auth(&reader.token);
    let outcome: Value = request
        .header("content-type", "application/fhir+json")
        .body(condition.to_string())
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert!(outcome.to_string().contains("has no such code"), "{outcome}");
    let (_, stated) = reader.get("metadata?mode=terminology").await;
    let sct = stated["codeSystem"].as_array().unwrap().iter().find(|one| one["uri"] == SCT).unwrap();
    assert!(sct["version"][0]["code"].as_str().unwrap().ends_with("20250101"));
    let (_, read) = reader.get("CodeSystem/loinc.org").await;
    assert!(read["copyright"].as_str().unwrap().contains("Regenstrief") && read["content"] == "complete", "{read}");
    readers.house.running.stop().await;
}

#[test]
fn what_is_broken_or_something_else_is_refused_with_its_line_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    assert!(handover(&["init", "site"], folder.path()).status.success());
    write(folder.path(), "Loinc.csv", &small_loinc());
    assert!(handover(&["terminology", "add", "Loinc.csv", "--site", "site"], folder.path()).status.success());
    let before = std::fs::read(folder.path().join("site/terminology/loinc/concepts.dat")).unwrap();

    let good = small_loinc();
    write(folder.path(), "a/Loinc.csv", &good.replace("\"STATUS\"", "\"STATE\""));
    write(folder.path(), "b/Loinc.csv", good.strip_suffix(",\"\"\r\n").unwrap());
    write(folder.path(), "c/Loinc.csv", &good.replace("\"18842-5\"", "\"18842-6\""));
    write(folder.path(), "d/Loinc.csv", &good[..LOINC_COLUMNS.len() + 2]);
    let sct = |name: &str, change: &dyn Fn(&Path)| {
        snomed(&folder.path().join(name));
        change(&folder.path().join(name));
    };
    let relationships = "Snapshot/Terminology/sct2_Relationship_Snapshot_INT_20250101.txt";
    let edit = |root: &Path, file: &str, from: &str, to: &str| {
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        assert!(text.contains(from));
        std::fs::write(root.join(file), text.replace(from, to)).unwrap();
    };
    sct("e", &|root| edit(root, relationships, "sourceId\tdestinationId", "destinationId\tsourceId"));
    sct("f", &|root| edit(root, relationships, "900002003\t900001005", "900002003"));
    sct("g", &|root| edit(root, relationships, "900002003\t900001005", "900009009\t900001005"));
    sct("h", &|root| std::fs::remove_file(root.join(relationships)).unwrap());
    sct("i", &|root| {
        std::fs::rename(
            root.join("Snapshot/Terminology/sct2_Concept_Snapshot_INT_20250101.txt"),
            root.join("sct2_Concept_Delta_INT_20250101.txt"),
        )
        .unwrap()
    });
    snomed(&folder.path().join("whole"));
    packed(&folder.path().join("whole"), &folder.path().join("cut.zip"));
    let bytes = std::fs::read(folder.path().join("cut.zip")).unwrap();
    std::fs::write(folder.path().join("cut.zip"), &bytes[..bytes.len() / 2]).unwrap();
    rxnorm(&folder.path().join("r"));
    edit(&folder.path().join("r"), "rrf/RXNCONSO.RRF", "|SCD|200", "|200");
    write(
        folder.path(),
        "v.json",
        "{ \"resourceType\": \"ValueSet\", \"url\": \"http://x.example/v\", \"expansion\": { \"total\": 5, \"contains\": [] } }",
    );
    write(folder.path(), "w.csv", "OID,Code,Code System\n1.2.3,5,Nobody's codes\n");
    write(folder.path(), "x.csv", "a,b\n1,2\n");
    write(folder.path(), "n.pdf", "x");
    for (file, part) in [
        ("a", "Loinc.csv:1: there is no column STATUS"),
        ("b", "Loinc.csv:5: the row has 39 columns"),
        ("c", "Loinc.csv:4"),
        ("d", "no code in it"),
        ("e", "sct2_Relationship_Snapshot_INT_20250101.txt:1"),
        ("f", "sct2_Relationship_Snapshot_INT_20250101.txt:6"),
        ("g", "900009009"),
        ("h", "there is no sct2_Relationship_Snapshot"),
        ("i", "take the release as a snapshot"),
        ("cut.zip", "damaged or was cut off"),
        ("r", "RXNCONSO.RRF:3"),
        ("v.json", "expansion is not complete"),
        ("w.csv", "w.csv:2"),
        ("x.csv", "no row that heads a column Code"),
        ("n.pdf", "none of what can be added"),
        ("absent.zip", "cannot read absent.zip"),
    ] {
        let output = handover(&["terminology", "add", file, "--site", "site"], folder.path());
        assert_eq!(output.status.code(), Some(2), "{file}: {}", said(&output));
        assert!(said(&output).contains(part), "{file}: {}", said(&output));
    }
    let left: Vec<_> =
        std::fs::read_dir(folder.path().join("site/terminology")).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(left, ["loinc"], "nothing half-added is left");
    assert_eq!(std::fs::read(folder.path().join("site/terminology/loinc/concepts.dat")).unwrap(), before);
    assert!(!folder.path().join("site/profiles/vsac").exists());
    let check = said(&handover(&["check", "site"], folder.path()));
    assert!(check.contains("LOINC 2.80") && check.contains("no problems"), "{check}");
}

#[test]
fn a_damaged_file_is_found_and_a_release_takes_the_place_of_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    assert!(handover(&["init", "site"], folder.path()).status.success());
    write(folder.path(), "Loinc.csv", &small_loinc());
    let add = ["terminology", "add", "Loinc.csv", "--site", "site"];
    assert!(handover(&add, folder.path()).status.success());
    let list = ["terminology", "list", "--site", "site", "--json"];
    let listed: Value = serde_json::from_slice(&handover(&list, folder.path()).stdout).unwrap();
    assert_eq!((&listed["items"][0]["concepts"], &listed["items"][0]["damaged"]), (&json!(3), &json!([])));

    let file = folder.path().join("site/terminology/loinc/concepts.dat");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("upper", "lower")).unwrap();
    let output = handover(&list, folder.path());
    let listed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &listed["items"][0]["damaged"]), (Some(1), &json!(["concepts.dat"])));
    std::fs::write(&file, &text[..text.len() / 2]).unwrap();
    let check = handover(&["check", "site"], folder.path());
    assert!(
        check.status.code() == Some(1) && said(&check).contains("terminology/loinc/concepts.dat"),
        "{}",
        said(&check)
    );

    write(
        folder.path(),
        "Loinc.csv",
        &loinc(&[&[
            ("LOINC_NUM", "8480-6"),
            ("LONG_COMMON_NAME", "Newer"),
            ("STATUS", "ACTIVE"),
            ("VersionLastChanged", "2.81"),
        ]]),
    );
    assert!(handover(&add, folder.path()).status.success());
    let shown = handover(&["terminology", "show", "8480-6", "--site", "site", "--json"], folder.path());
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!((&shown["items"][0]["display"], &shown["items"][0]["version"]), (&json!("Newer"), &json!("2.81")));
    let absent = handover(&["terminology", "show", "718-7", "--site", "site"], folder.path());
    assert_eq!(absent.status.code(), Some(1), "{}", said(&absent));
}
