//! The demo: its story to the end; and ended at any moment, nothing is left, and nobody is told that it was told to its end.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn demo(folder: &Path, words: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_handover"));
    command
        .arg("demo")
        .args(words)
        .env("TMPDIR", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn send(signal: &str, to: &Child) {
    assert!(Command::new("kill").args([signal, &to.id().to_string()]).status().unwrap().success());
}

/// Waits for the end; a demo that does not end fails the test.
fn ended(mut child: Child) -> std::process::ExitStatus {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            // Shown where a test fails.
            let mut said = String::new();
            child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
            println!("{status}: {said}");
            return status;
        }
        if Instant::now() > until {
            child.kill().unwrap();
            panic!("the demo did not end");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}

/// What a demo that stays says when its story is told.
const TOLD: &str = "Ctrl-C ends the demo.";

#[test]
fn an_interrupted_demo_leaves_nothing_behind_whenever_it_is_interrupted() {
    // Who starts tests in the background may have them ignore SIGINT until somebody listens for it. The later moments take a
    // demo that stays; how much of its story a machine has told by then is not the question, only that the exit code tells it.
    let moments = [
        (0, "-TERM", true),
        (120, "-TERM", true),
        (450, "-TERM", true),
        (1_300, "-INT", false),
        (2_900, "-HUP", false),
        (6_000, "-INT", false),
    ];
    for (moment, signal, once) in moments {
        let folder = tempfile::tempdir().unwrap();
        let mut child = demo(folder.path(), if once { &["--once"] } else { &[] });
        // Held open: what a demo says fits into the pipe.
        let mut stdout = child.stdout.take().unwrap();
        std::thread::sleep(Duration::from_millis(moment));
        send(signal, &child);
        if moment > 1_000 {
            send(signal, &child);
        }
        let status = ended(child);
        let mut said = String::new();
        stdout.read_to_string(&mut said).unwrap();
        let early = moment < 200 && status.signal().is_some();
        let due = if said.contains(TOLD) { 0 } else { 130 };
        assert!(early || status.code() == Some(due), "{status} after {moment} ms: {said}");
        assert!(is_empty(folder.path()), "files are left after {moment} ms");
    }
}

#[test]
fn a_demo_that_stays_after_its_story_ends_well_when_it_is_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = demo(folder.path(), &[]);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = Vec::new();
    for line in lines.map(Result::unwrap) {
        said.push(line);
        if said.last().is_some_and(|line| line.ends_with(TOLD)) {
            break;
        }
    }
    let said = said.join("\n");
    assert!(said.ends_with(TOLD), "the story was not told to its end: {said}");
    let of_others = "the loop is closed: it is off the board (4 others are open)";
    for line in [
        "about eleven more people",
        "4 referrals",
        "4 appointments of today",
        "show the practice's morning\n",
        of_others,
        "she is enrolled",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    send("-INT", &child);
    assert_eq!(ended(child).code(), Some(0));
    assert!(is_empty(folder.path()));
}

#[test]
fn a_demo_that_nobody_reads_any_more_ends() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = demo(folder.path(), &[]);
    drop(child.stdout.take());
    assert_eq!(ended(child).code(), Some(130));
    assert!(is_empty(folder.path()));
}

#[test]
fn the_demo_tells_its_story_to_the_end_and_the_practice_answers() {
    let folder = tempfile::tempdir().unwrap();
    let told = demo(folder.path(), &["--once"]).wait_with_output().unwrap();
    let (said, failed) = (String::from_utf8(told.stdout).unwrap(), String::from_utf8(told.stderr).unwrap());
    assert_eq!(told.status.code(), Some(0), "{said}\n{failed}");
    for line in [
        "the Task is closed in the record, too",
        "it is in the record, and no alert is owed for it",
        "board     requested (1 open in all)",
        "board     accepted",
        "board     scheduled",
        "board     seen",
        "board     reported",
        "the loop is closed: it is off the board (0 others are open)",
        "she is enrolled",
        "her goal is in the plan",
        "the review of the year and the contact of the week are done",
        "holds the follow-up Task",
        "referred until the report was read, enrolled and reviewed",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert!(is_empty(folder.path()));
}
