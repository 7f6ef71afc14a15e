//! Enumerates the places outside of the store that read a bounded part of something, with why the part is the right one: the
//! order in which the store gives it is the order in which it is wanted, or all of it is read, part by part.

use std::collections::BTreeMap;

use super::sources;

/// The store's reads that give a part at a time.
const READS: &[&str] = &[
    "find",
    "find_people",
    "search",
    "worklist",
    "messages",
    "find_messages",
    "deliveries",
    "audit",
    "unused",
    "to_look_at",
    "panel",
    "claim_timers",
    "claim_deliveries",
    "prune",
    "record",
];

/// File, read, how often it is written there, and why what it gives is what is wanted.
const WHY: &[(&str, &str, usize, &str)] = &[
    ("console/deliveries.rs", "deliveries", 1, "newest first, in pages; `held` and `dead` have listings of their own"),
    ("console/for_you.rs", "search", 1, "the patients of the messages on the page"),
    ("console/labels.rs", "search", 1, "the patients of one page, by their ids"),
    ("console/labels.rs", "to_look_at", 1, "all of it in the order of ids, in pages; its count is exact"),
    (
        "console/messages.rs",
        "find_messages",
        1,
        "those received last first, in pages; counted, and of text it says how far it looked",
    ),
    ("console/overview.rs", "messages", 1, "the newest eight, and the page says so; its counts are the store's"),
    ("console/overview.rs", "to_look_at", 1, "its count, which is exact"),
    ("console/patient/disclosed.rs", "audit", 1, "everything that the audit keeps of a patient, page by page"),
    ("console/patient/records.rs", "audit", 1, "newest first, in pages"),
    ("console/patient/records.rs", "search", 1, "a patient's observations, newest first, in pages"),
    (
        "console/people/found.rs",
        "find_people",
        2,
        "all who fit, sorted by name before the page is cut and counted; where too many fit, nobody is listed",
    ),
    ("console/work.rs", "search", 1, "the patients of one page, by their ids"),
    ("console/work.rs", "worklist", 2, "each part in the order of work, in pages; counts are exact"),
    ("console/trace.rs", "deliveries", 1, "of one message, newest first, in pages"),
    (
        "console/unused.rs",
        "unused",
        1,
        "open work first, then the most frequent; all are sorted before the page is cut",
    ),
    ("cli/story/play.rs", "deliveries", 1, "of one story in memory, more than one can make"),
    (
        "delivery/poll.rs",
        "deliveries",
        1,
        "of one patient and partner, newest first, until the one about the Task is found",
    ),
    ("delivery/simulation/run.rs", "deliveries", 1, "of one seed, more than one can make"),
    ("delivery/worker.rs", "claim_deliveries", 1, "what is due longest first; every line's head comes up in its turn"),
    (
        "pipeline/find.rs",
        "record",
        3,
        "the newest observations, further back than rules look; `truncated` says that there are more",
    ),
    (
        "pipeline/boards/board.rs",
        "search",
        1,
        "what is going on, newest change first, page by page; the board says where it ends early",
    ),
    (
        "pipeline/huddle/gather.rs",
        "search",
        1,
        "the appointments of one day, page by page; the sheet says where it ends early",
    ),
    (
        "pipeline/huddle/gather.rs",
        "worklist",
        2,
        "the most urgent first, then what is late; counts are exact, and the sheet says how many were looked at",
    ),
    ("pipeline/join.rs", "record", 2, "as find.rs"),
    ("pipeline/again.rs", "deliveries", 1, "every page is read"),
    ("pipeline/operation.rs", "deliveries", 1, "newest first, in pages"),
    ("pipeline/operation.rs", "unused", 1, "as console/unused.rs"),
    ("pipeline/retention.rs", "prune", 1, "the oldest first, again while there is more"),
    ("pipeline/measures/gather.rs", "panel", 1, "all members of the panel, page by page"),
    (
        "pipeline/talk/tell.rs",
        "search",
        1,
        "what is for somebody, page by page, or what of it is counted; where more is unread than that it says so",
    ),
    (
        "pipeline/write/submit.rs",
        "messages",
        1,
        "of one number those that were done, until one is found; where more were refused than are looked at, it is refused",
    ),
    (
        "pipeline/rerun/select.rs",
        "find_messages",
        1,
        "all of them, part by part; of more than are run at once the asker is told",
    ),
    (
        "pipeline/compare/foretold.rs",
        "find_messages",
        1,
        "those received last first, part by part; the answer says whether that was all",
    ),
    ("pipeline/compare/step.rs", "find_messages", 1, "all of them, part by part; the answer says where to go on"),
    ("pipeline/coverage/step.rs", "find_messages", 1, "all of them, part by part; the answer says where to go on"),
    ("pipeline/sought.rs", "find_messages", 1, "as console/messages.rs"),
    ("pipeline/sought.rs", "find_people", 1, "all who have one number; of more than can be meant the asker is told"),
    ("pipeline/roster.rs", "panel", 1, "all members, page by page"),
    ("pipeline/find.rs", "search", 1, "what was measured at one moment, page by page"),
    ("pipeline/roster.rs", "search", 1, "all Tasks of a patient, page by page"),
    ("pipeline/tried.rs", "panel", 1, "all members, a few at a time; the answer says where to go on"),
    ("pipeline/timers.rs", "claim_timers", 1, "what is due longest first, again at once while a claim is full"),
    ("pipeline/unused_work.rs", "unused", 1, "all causes, page by page"),
    ("web/fhir/count.rs", "find", 1, "all matches, page by page; where they are too many there is no number"),
    ("web/fhir/everything.rs", "find", 1, "all of a record, type by type, in pages"),
    (
        "web/fhir/includes.rs",
        "find",
        1,
        "all that refers to a page's matches, page by page; where there is too much a warning says so",
    ),
    ("web/fhir/joins.rs", "find", 1, "all matches, page by page; too many of them, or too much to look at, is refused"),
    (
        "web/fhir/own_ids.rs",
        "find",
        1,
        "what has one number of one system: one, unless somebody wrote that number by hand",
    ),
    (
        "web/fhir/write/conditions.rs",
        "find",
        1,
        "whether there is one or more: it ends at the second, at the last, or says that there is too much to look at",
    ),
    (
        "web/fhir/search.rs",
        "find",
        1,
        "in the order asked for, sorted before it is cut or refused as too much; else newest change first, in pages",
    ),
];

/// The places of a file where a bounded part is read, by read.
fn reads(text: &str) -> BTreeMap<&'static str, usize> {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    // Calls in a chain stand on lines of their own.
    let code: String = lines.flat_map(str::chars).filter(|sign| !sign.is_whitespace()).collect();
    let count = |read: &&'static str| (*read, code.matches(&format!("store.{read}(")).count());
    READS.iter().map(count).filter(|(_, count)| *count > 0).collect()
}

fn is_of_tests(path: &str) -> bool {
    ["_tests.rs", "/tests.rs", "trial.rs", "stand_in.rs"].iter().any(|end| path.ends_with(end))
}

#[test]
fn every_bounded_read_has_its_reason() {
    let mut found = Vec::new();
    for (path, text) in sources() {
        let path = path.to_str().unwrap().trim_start_matches("src/").to_string();
        if !path.starts_with("store/") && !is_of_tests(&path) {
            found.extend(reads(&text).into_iter().map(|(read, count)| (path.clone(), read, count)));
        }
    }
    let is_known = |(path, read, count): &(String, &str, usize)| {
        WHY.iter().any(|(file, known, times, _)| file == path && known == read && times == count)
    };
    let new: Vec<_> = found.iter().filter(|one| !is_known(one)).collect();
    assert!(new.is_empty(), "say in tests/architecture/bounds.rs why these parts are the right ones: {new:#?}");
    let is_there = |(file, read, _, _): &&(&str, &str, usize, &str)| {
        found.iter().any(|(path, other, _)| path == file && other == read)
    };
    let gone: Vec<_> = WHY.iter().filter(|one| !is_there(one)).collect();
    assert!(gone.is_empty(), "these are read no more: {gone:#?}");
}

#[test]
fn a_read_is_seen_in_a_chain_of_calls_and_not_in_words() {
    let text = "
        // store.search(…) in words
        let page = gateway.store.search(&query, None, 9).await?;
        let more = self
            .store
            .search(&query, None, 9);
        let other = index.search(1);
        #[cfg(test)] store.panel(";
    assert_eq!(reads(text), BTreeMap::from([("search", 2)]));
}
