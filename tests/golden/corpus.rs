//! Other people's messages, far fuller and odder than ours, through a site that takes anything: nothing panics, what comes
//! out is valid, and whatever is not accepted is refused for a reason that stands here. Skipped where the corpus is not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use handover::hl7::Batch;
use handover::pipeline::{Members, Trial, dry_run};
use handover::problem::Problem;
use handover::site::{self, Site};

use super::house::{arrival_time, assert_valid, root};

/// Why a message may be refused: a part of the problem's text, and why that is right.
const JUSTIFIED: &[(&str, &str)] = &[
    ("no mapping reads", "the event is not among those this version maps"),
    ("no patient identifier", "nobody can say whose record it is"),
    ("MSH-10: the message has no control id", "it could not be recognised when it is sent again"),
    ("there is no MSH segment", "without a header nothing can be read safely"),
];

/// A site whose only feed takes everything that is mapped, knows these authorities, believes every identifier and
/// may merge all of them.
fn permissive(folder: &Path, authorities: &BTreeSet<String>) -> Site {
    std::fs::create_dir_all(folder.join("feeds")).unwrap();
    std::fs::write(
        folder.join("handover.yaml"),
        "data: data\nstore: { engine: memory }\nhttp: { listen: \"127.0.0.1:0\" }\n",
    )
    .unwrap();
    let feed = "feed: anybody\ntitle: Anybody\nmllp: { listen: \"127.0.0.1:0\" }\nzone: America/New_York\nauthorities:\n  \
                namespaces: { ANYBODY: \"urn:example:anybody\" }\n  default_patient: ANYBODY\n  default_visit: ANYBODY\n";
    std::fs::write(folder.join("feeds/anybody.yaml"), feed).unwrap();
    let loaded = site::load(folder);
    let mut site = loaded.site.unwrap_or_else(|| panic!("{:#?}", loaded.problems));
    let feed = site.feeds.get_mut("anybody").unwrap();
    feed.identified_by.clear();
    let named = authorities.iter().map(|name| (name.clone(), format!("urn:example:{}", name.to_lowercase())));
    feed.authorities.namespaces.extend(named);
    feed.owns = feed.authorities.namespaces.values().cloned().collect();
    site
}

/// Every message in these files, with the file's name; batches taken apart.
fn messages(corpus: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    walk(corpus, &mut files);
    let mut found = Vec::new();
    for file in files {
        let name = file.strip_prefix(corpus).unwrap().display().to_string();
        let raw = std::fs::read(&file).unwrap();
        found.extend(Batch::split(&raw).messages.into_iter().map(|span| (name.clone(), span.of(&raw).to_vec())));
    }
    found
}

/// The authorities that these messages name and a feed without any does not know.
fn authorities(folder: &Path, messages: &[(String, Vec<u8>)]) -> BTreeSet<String> {
    let site = permissive(folder, &BTreeSet::new());
    let unknown = messages.iter().flat_map(|(_, message)| {
        dry_run(&site, "anybody", message, Members::default(), arrival_time(message)).unwrap().unmapped
    });
    unknown.filter(|(table, _)| table == "authorities").map(|(_, name)| name).collect()
}

fn corpus() -> Option<PathBuf> {
    let beside = |root: &Path| root.parent().map(|parent| parent.join("shared/corpus/hl7"));
    beside(&root()).filter(|path| path.is_dir())
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, found) } else { found.push(path) }
    }
    found.sort();
}

#[test]
fn every_message_of_the_corpus_is_taken_or_refused_for_a_good_reason() {
    let Some(corpus) = corpus() else {
        return println!("skipped: the corpus of other people's messages is not here");
    };
    let folder = tempfile::tempdir().unwrap();
    let messages = messages(&corpus);
    let site = permissive(folder.path(), &authorities(folder.path(), &messages));
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut unjustified = Vec::new();
    for (name, message) in &messages {
        let trial = dry_run(&site, "anybody", message, Members::default(), arrival_time(message)).unwrap();
        for resource in &trial.resources {
            assert_valid(name, resource);
        }
        let (answer, why) = verdict(&trial);
        println!("{name}: {} {answer}{why}", trial.event);
        let reason = JUSTIFIED.iter().find(|(part, _)| why.contains(part));
        *counts.entry(format!("{answer} {}", reason.map_or("", |(_, reason)| reason))).or_default() += 1;
        if answer != "AA" && reason.is_none() {
            unjustified.push(format!("{name}: {answer}{why}"));
        }
    }
    println!("{counts:#?}");
    assert!(unjustified.is_empty(), "refused without a good reason:\n{}", unjustified.join("\n"));
}

fn verdict(trial: &Trial) -> (&'static str, String) {
    let errors: Vec<String> =
        trial.problems.iter().filter(|problem| problem.is_error()).map(Problem::to_string).collect();
    let why = if errors.is_empty() { String::new() } else { format!(": {}", errors.join(" / ")) };
    (trial.code.text(), why)
}
