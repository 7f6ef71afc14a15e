//! What we put together of US Core's differentials, against the snapshots that its package ships.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use handover::profile::{Profiles, Snapshot, SnapshotElement};
use serde_json::Value;

fn profiles() -> Vec<Value> {
    let package =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/fhir/packages/hl7.fhir.us.core-7.0.0.tgz");
    let Ok(file) = std::fs::File::open(package) else {
        println!("skipped: the package of US Core is not beside the repository");
        return Vec::new();
    };
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let mut found = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_string_lossy().into_owned();
        if name.starts_with("package/StructureDefinition-") {
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            found.push(serde_json::from_str(&text).unwrap());
        }
    }
    found
}

fn elements<'v>(profile: &'v Value, part: &str) -> Vec<&'v Value> {
    profile[part]["element"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|element| element["id"].as_str().unwrap().contains('.'))
        .collect()
}

fn below_type(element: &Value) -> &str {
    element["id"].as_str().unwrap().split_once('.').unwrap().1
}

/// `valueQuantity` in an id may be written out as a slice of `value[x]`, or as `value[x]` itself.
fn find<T>(id: &str, by_id: impl Fn(&str) -> Option<T>) -> Option<T> {
    let steps: Vec<&str> = id.split('.').collect();
    let written_out = steps.iter().enumerate().filter_map(|(index, step)| {
        let stem = &step[..step.find(char::is_uppercase)?];
        let with = |new: String| [&steps[..index], &[new.as_str()], &steps[index + 1..]].concat().join(".");
        by_id(&with(format!("{stem}[x]:{step}"))).or_else(|| by_id(&with(format!("{stem}[x]"))))
    });
    by_id(id).or_else(|| written_out.last())
}

/// What differs between our element and theirs.
fn differences(own: &SnapshotElement, shipped: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut same = |what: &str, own: String, theirs: String| {
        if own != theirs {
            found.push(format!("{what}: ours {own}, theirs {theirs}"));
        }
    };
    same(
        "cardinality",
        format!("{}..{}", own.min, own.max),
        format!("{}..{}", shipped["min"], shipped["max"].as_str().unwrap()),
    );
    same(
        "must support",
        own.is_must_support.to_string(),
        shipped["mustSupport"].as_bool().unwrap_or(false).to_string(),
    );
    let listed = shipped["type"].as_array().map(Vec::as_slice).unwrap_or_default();
    let codes: BTreeSet<&str> = listed.iter().map(|kind| kind["code"].as_str().unwrap()).collect();
    let ours: BTreeSet<&str> = own.types.iter().map(|kind| kind.code.as_str()).collect();
    if !codes.iter().any(|code| code.starts_with("http://hl7.org/fhirpath/")) {
        same("types", format!("{ours:?}"), format!("{codes:?}"));
    }
    let value = |prefix: &str| {
        let found = shipped.as_object().unwrap().iter().find(|(key, _)| key.starts_with(prefix));
        found.map_or("nothing".to_string(), |(_, value)| value.to_string())
    };
    let text = |own: &Option<Value>| own.as_ref().map_or("nothing".to_string(), Value::to_string);
    same("fixed", text(&own.fixed), value("fixed"));
    same("pattern", text(&own.pattern), value("pattern"));
    let plain = |url: &str| url.split('|').next().unwrap().to_string();
    if let Some(url) = shipped["binding"]["valueSet"].as_str() {
        let ours = own.binding.as_ref().map(|own| format!("{} {}", own.strength.code(), plain(&own.value_set)));
        let theirs = format!("{} {}", shipped["binding"]["strength"].as_str().unwrap(), plain(url));
        same("binding", ours.unwrap_or_default(), theirs);
    }
    found
}

/// Where the package's own snapshots go another way, and why.
const KNOWN: [&str; 4] = [
    // The binding of `agent.type` holds for every agent; the shipped snapshot gives R4's to those in slices.
    "us-core-provenance: agent:ProvenanceAuthor.type: binding",
    "us-core-provenance: agent:ProvenanceTransmitter.type: binding",
    // Demanded by the base in the SDC guide, which is not at hand.
    "us-core-questionnaireresponse: questionnaire: cardinality",
    "us-core-questionnaireresponse: authored: cardinality",
];

#[test]
fn snapshots_are_those_that_us_core_ships() {
    let (mut compared, mut absent, mut differing) = (0, Vec::new(), Vec::new());
    for profile in profiles() {
        let url = profile["url"].as_str().unwrap();
        let own: Snapshot = Profiles::built_in().snapshot(url).unwrap();
        let shipped = elements(&profile, "snapshot");
        for stated in elements(&profile, "differential") {
            let id = below_type(stated);
            let theirs = find(id, |id| shipped.iter().find(|element| below_type(element) == id));
            let ours = find(id, |id| own.elements.iter().find(|element| element.id == id));
            match (ours, theirs) {
                (Some(ours), Some(theirs)) => {
                    compared += 1;
                    let found = differences(ours, theirs);
                    differing.extend(found.into_iter().map(|found| format!("{}: {id}: {found}", own.url)));
                }
                (None, _) => absent.push(format!("{}: {id}", own.url)),
                (_, None) => {}
            }
        }
    }
    differing.retain(|line: &String| !KNOWN.iter().any(|known| line.contains(known)));
    println!("{compared} elements compared, {} differ, {} are absent", differing.len(), absent.len());
    assert!(differing.is_empty() && absent.is_empty(), "{}\nabsent: {absent:#?}", differing.join("\n"));
}
