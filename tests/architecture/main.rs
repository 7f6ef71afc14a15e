//! The house as a machine sees it: layers, circles of files, file sizes, headers, tables of contents, and data files that nobody reads.
//! ARCHITECTURE.md tells the same story to people.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test says what it expects by failing, prints what it did, and is told by the environment what to do"
)]

mod bounds;
mod circles;
mod code;
mod drops;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What each room may import from the crate. The order is the house from the ground up.
const LAYERS: &[(&str, &[&str])] = &[
    ("unused", &[]),
    ("problem", &["yaml", "unused"]),
    ("yaml", &["problem"]),
    ("clock", &[]),
    ("telemetry", &[]),
    ("rows", &[]),
    ("trust", &[]),
    ("hl7", &[BASE]),
    ("fhir", &[BASE]),
    ("mapping", &[BASE, "hl7", "fhir"]),
    ("profile", &[BASE, "fhir"]),
    ("identity", &[BASE, "fhir"]),
    ("record", &[BASE, "fhir", "identity"]),
    ("protocol", &[BASE, "fhir", "identity", "record"]),
    ("agreement", &[BASE, "fhir", "identity", "record"]),
    ("site", &[BASE, LANGUAGES, PURE]),
    ("store", &[BASE, LANGUAGES, PURE, "trust"]),
    ("pipeline", &[BASE, LANGUAGES, PURE, "site", "store"]),
    ("feed", &[BASE, LANGUAGES, "site", "store", "pipeline", "trust"]),
    ("delivery", &[BASE, LANGUAGES, PURE, "site", "store", "pipeline"]),
    ("web", &[BASE, LANGUAGES, PURE, "site", "store", "pipeline", "delivery"]),
    ("console", &[BASE, LANGUAGES, PURE, "site", "store", "pipeline", "delivery", "web"]),
    ("app", &[EVERYTHING]),
    ("demo", &[EVERYTHING]),
    ("cli", &[EVERYTHING]),
];

const BASE: &str = "problem unused yaml clock telemetry rows";
const LANGUAGES: &str = "hl7 fhir";
const PURE: &str = "mapping profile identity record protocol agreement";
const EVERYTHING: &str = "*";

/// Crates and calls that the pure layer must not know.
const IMPURE: &[&str] =
    &["tokio", "std::fs", "std::net", "reqwest", "actix_web", "async fn", "Timestamp::now", "Zoned::now", "rand::"];

const LONGEST_FILE: usize = 400;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|end| end == extension) {
            found.push(path);
        }
    }
    found.sort();
}

fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    files(&root().join("src"), "rs", &mut found);
    found
        .into_iter()
        .map(|path| (path.strip_prefix(root()).unwrap().to_path_buf(), fs::read_to_string(&path).unwrap()))
        .collect()
}

/// The room a file belongs to: the first folder or file below `src`.
fn room(path: &Path) -> String {
    path.components().nth(1).unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs").to_string()
}

/// Every `crate::room` that the text names outside of comments.
fn imports(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for piece in code.split("crate::").skip(1) {
            let names = piece.strip_prefix('{').map_or(piece, |inner| inner.split('}').next().unwrap_or_default());
            for name in names.split(',') {
                let word: String = name.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if !word.is_empty() {
                    found.push((number + 1, word));
                }
            }
        }
    }
    found
}

#[test]
fn modules_import_downwards_only() {
    let allowed: BTreeMap<&str, Vec<&str>> =
        LAYERS.iter().map(|(name, below)| (*name, below.iter().flat_map(|group| group.split(' ')).collect())).collect();
    let mut faults = Vec::new();
    for (path, text) in sources() {
        let room = room(&path);
        if room == "lib" || room == "main" {
            continue;
        }
        let Some(below) = allowed.get(room.as_str()) else {
            faults.push(format!("{}: the room `{room}` has no place in the layers", path.display()));
            continue;
        };
        for (line, target) in imports(&text) {
            if target != room
                && !below.contains(&target.as_str())
                && !below.contains(&"*")
                && allowed.contains_key(target.as_str())
            {
                faults.push(format!("{}:{line}: `{room}` may not import `{target}`", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn the_pure_layer_does_nothing_but_compute() {
    let mut faults = Vec::new();
    for (path, text) in sources() {
        // A file of tests reads what it tests with.
        let is_test = path.to_str().unwrap().ends_with("_tests.rs");
        if is_test || !PURE.split(' ').any(|pure| pure == room(&path)) {
            continue;
        }
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in code.lines().enumerate() {
            let line = line.split("//").next().unwrap_or_default();
            if let Some(impure) = IMPURE.iter().find(|word| line.contains(**word)) {
                faults.push(format!("{}:{}: `{impure}` in the pure layer", path.display(), number + 1));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn no_file_is_longer_than_a_person_reads() {
    let mut tests = Vec::new();
    files(&root().join("tests"), "rs", &mut tests);
    let tests = tests.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap()));
    let long: Vec<String> = sources()
        .into_iter()
        .chain(tests)
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST_FILE)
        .map(|(path, lines)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert!(long.is_empty(), "longer than {LONGEST_FILE}:\n{}", long.join("\n"));
}

#[test]
fn every_file_opens_by_saying_what_it_does() {
    let silent: Vec<String> = sources()
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(path, _)| path.display().to_string())
        .collect();
    assert!(silent.is_empty(), "no `//!` header:\n{}", silent.join("\n"));
}

#[test]
fn tables_of_contents_hold_no_code() {
    let mut faults = Vec::new();
    for (path, text) in sources() {
        if path.file_name().is_some_and(|name| name == "mod.rs") {
            for (number, line) in text.lines().enumerate() {
                if line.trim_start().starts_with("fn ") || line.contains(" fn ") || line.starts_with("impl") {
                    faults.push(format!("{}:{}: {line}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(faults.is_empty(), "code in a mod.rs:\n{}", faults.join("\n"));
}

/// A file that no `mod` line names is never compiled.
#[test]
fn no_source_file_is_dead() {
    let all = sources();
    let texts: BTreeMap<PathBuf, &String> = all.iter().map(|(path, text)| (path.clone(), text)).collect();
    let mut dead = Vec::new();
    for (path, _) in &all {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let (name, parent) = match stem {
            "lib" | "main" => continue,
            "mod" => (
                path.parent().unwrap().file_name().unwrap().to_str().unwrap(),
                path.parent().unwrap().parent().unwrap(),
            ),
            stem => (stem, path.parent().unwrap()),
        };
        let owners = [parent.join("mod.rs"), parent.with_extension("rs"), parent.join("lib.rs")];
        let named =
            owners.iter().filter_map(|owner| texts.get(owner)).any(|text| text.contains(&format!("mod {name};")));
        if !named {
            dead.push(path.display().to_string());
        }
    }
    assert!(dead.is_empty(), "named by no `mod`:\n{}", dead.join("\n"));
}
