//! One message each: what it would come to for a patient nobody has seen, against the file beside it.

use std::path::{Path, PathBuf};

use handover::pipeline::{Members, Trial, dry_run};
use handover::store::TraceLine;
use serde_json::{Value, json};

use super::house::{FEED, arrival_time, assert_valid, members, root, site};
use super::page::page;

/// The files of one folder with this ending, sorted.
pub fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|end| end == ending)).collect();
    found.sort();
    found
}

/// A message as a hospital sends it: files are kept with line feeds, segments end with carriage returns. What is in `odd`
/// is sent byte for byte.
pub fn as_sent(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    if path.parent().unwrap().ends_with("odd") {
        return bytes;
    }
    bytes.into_iter().map(|byte| if byte == b'\n' { b'\r' } else { byte }).collect()
}

/// Compares a result with the file beside its input, or writes it there when asked to.
pub fn compare(input: &Path, result: &Value) -> Result<(), String> {
    let file = input.with_extension("json");
    let text = page(result);
    if std::env::var("HANDOVER_GOLDEN").is_ok_and(|word| word == "write") {
        std::fs::write(&file, text).unwrap();
        return Ok(());
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    if expected == text {
        return Ok(());
    }
    let lines = expected.lines().zip(text.lines()).enumerate();
    let first = lines.into_iter().find(|(_, (old, new))| old != new);
    let where_ = first.map_or_else(
        || "one is longer".to_string(),
        |(number, (old, new))| format!("line {}:\n  expected {}\n  found    {}", number + 1, old.trim(), new.trim()),
    );
    Err(format!("{}: {where_}", file.display()))
}

fn lines(lines: &[TraceLine]) -> Vec<String> {
    let said = |line: &TraceLine| {
        let place = if line.place.is_empty() { String::new() } else { format!(" [{}]", line.place) };
        format!("{}{place}: {}", line.subject, line.text)
    };
    lines.iter().map(said).collect()
}

pub fn acknowledgement(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    text.split('\r').filter(|segment| !segment.is_empty()).map(str::to_string).collect()
}

/// `is_odd`: what is told to partners adds nothing to what is odd about the message, so its content is left out.
fn result_of(name: &str, trial: &Trial, is_odd: bool) -> Value {
    for resource in &trial.resources {
        assert_valid(name, resource);
    }
    for delivery in &trial.deliveries {
        assert_valid(&format!("{name}, delivery {}", delivery.id), &delivery.payload);
    }
    let unread: Vec<String> = trial.trace.unread.iter().map(ToString::to_string).collect();
    let unmapped: Vec<String> = trial.unmapped.iter().map(|(table, code)| format!("{table}: {code}")).collect();
    let delivery = |delivery: &handover::store::NewDelivery| {
        if is_odd {
            return json!(format!("{}: {}", delivery.id, delivery.subject));
        }
        json!({ "id": delivery.id, "subject": delivery.subject, "agreement": delivery.agreement, "payload": delivery.payload })
    };
    json!({
        "event": trial.event,
        "acknowledgement": acknowledgement(&trial.answer),
        "problems": lines(&trial.trace.problems),
        "unread": unread,
        "unmapped": unmapped,
        "decisions": lines(&trial.trace.decisions),
        "agreements": lines(&trial.trace.agreements),
        "resources": trial.resources,
        "deliveries": trial.deliveries.iter().map(delivery).collect::<Vec<_>>(),
    })
}

#[test]
fn every_message_comes_to_what_stands_beside_it() {
    let folder = root().join("fixtures/messages");
    let mut faults = Vec::new();
    for file in files(&folder, "hl7").into_iter().chain(files(&folder.join("odd"), "hl7")) {
        let raw = as_sent(&file);
        let trial =
            dry_run(&site(), FEED, &raw, Members { listed: members(), otherwise: None }, arrival_time(&raw)).unwrap();
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        faults.extend(compare(&file, &result_of(&name, &trial, file.parent().unwrap().ends_with("odd"))).err());
    }
    assert!(faults.is_empty(), "{}\nHANDOVER_GOLDEN=write rewrites them", faults.join("\n"));
}
