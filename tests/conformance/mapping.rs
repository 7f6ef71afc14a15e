//! The built-in maps on every HL7 sample at hand: each draft is a valid R4 resource that refers only to drafts of its own
//! message, whatever the message was like.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use handover::hl7::{Message, ReadOptions};
use handover::mapping::{Authorities, Context, Habits, Layers, MapSet, Mapped, compile};
use handover::profile::{Profiles, validate_draft};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

/// As an emergency department sends it: short segments, and one fault of each kind that senders make.
const TYPICAL: &str = "MSH|^~\\&|ADT|RIVERSIDE|HANDOVER||20260301101600||ADT^A04|A1|P|2.3
EVN|A04|20260301101530
PID|1||4711^^^RIVERSIDE^MR||Doe^Jane||19580230|X||W|12 Elm St^^Riverside^CA^92501||9515550134||EN|Q
NK1|1|Doe^Sam|SPOUSE
PV1|1|E|ED|||||||||||||||||V100
DG1|1|I10|J44.1|COPD
AL1|1||^Penicillin|SEVERE
IN1|1|HMO1|77
OBX|1|NM|59408-5^SpO2^LN||86 %|%||LL|||F
OBX|2|NM|8867-4^Pulse^LN||104|bpm|||||
";

fn samples() -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = vec![(PathBuf::from("typical"), TYPICAL.replace('\n', "\r").into_bytes())];
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/hl7")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push((path.clone(), fs::read(&path).unwrap()));
            }
        }
    }
    if found.len() == 1 {
        println!("skipped: the sample messages are not here");
    }
    found
}

fn mapped() -> Vec<(PathBuf, Mapped)> {
    let (set, problems): (MapSet, _) = compile(&Layers::built_in());
    assert!(problems.is_empty(), "{problems:?}");
    let namespaces = BTreeMap::from([("RIVERSIDE".to_string(), "urn:example:riverside".to_string())]);
    let authorities = Authorities { namespaces, ..Authorities::default() };
    let habits = Habits::default();
    let context =
        Context { zone: &TimeZone::UTC, authorities: &authorities, habits: &habits, received: Timestamp::UNIX_EPOCH };
    let read = samples().into_iter().filter_map(|(path, raw)| {
        let message = Message::parse(raw, &ReadOptions::default()).message?;
        Some((path, set.apply(&message, &context)))
    });
    read.collect()
}

#[test]
fn every_draft_of_every_sample_is_a_valid_resource() {
    let mut count = 0;
    let mut faults = Vec::new();
    for (path, mapped) in mapped() {
        for draft in &mapped.drafts {
            let mut resource = draft.resource.clone();
            if resource.resource_type() == "Encounter" {
                // Made by the record, from the events.
                resource.set("status", json!("unknown"));
            }
            count += 1;
            let found = validate_draft(&resource, &[], Profiles::built_in());
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            faults.extend(
                found.iter().filter(|fault| fault.is_error()).map(|fault| format!("{name} {}: {fault}", draft.local)),
            );
        }
    }
    println!("{count} drafts are valid");
    assert!(faults.is_empty(), "{} of {count}: {:#?}", faults.len(), faults.iter().take(40).collect::<Vec<_>>());
}

#[test]
fn drafts_refer_only_to_drafts_of_their_message() {
    for (path, mapped) in mapped() {
        for draft in &mapped.drafts {
            draft.resource.clone().rewrite_references(&mut |reference| {
                let local = reference.strip_prefix('#');
                let is_there = mapped.drafts.iter().any(|other| Some(other.local.as_str()) == local);
                assert!(is_there, "{}: {reference}", path.display());
                None
            });
        }
    }
}
