//! Enumerates the places on a message's path where the code drops, defaults, truncates or limits something, and shows that
//! each is recorded in the same function or has its reason written beside it, as `// Nothing lost: …`.

use std::path::Path;

use super::{room, sources};

/// The rooms that a message goes through until it is committed.
const ROOMS: &[&str] = &["hl7", "mapping", "record", "identity", "protocol", "pipeline", "feed"];

/// What only sites, examples, operators and tests go through: nothing that a sender stated passes there.
const NOT_ON_THE_PATH: &[&str] = &[
    "tests",
    "_tests",
    "stories",
    "stand_in",
    "mapping/compile",
    "mapping/language",
    "mapping/layers",
    "protocol/read",
    "protocol/example",
    "pipeline/story",
    "pipeline/operation",
    "hl7/path",
    "hl7/writer",
];

/// How code lets something go: in words, and how a line of it is known.
type Pattern = (&'static str, fn(&str) -> bool);

const PATTERNS: &[Pattern] = &[
    ("a list cut", is_cut),
    ("a bound", is_bound),
    ("an error swallowed", |code| code.contains(".ok()") && !code.contains(".ok()?")),
    ("an error not looked at", |code| code.contains("Err(_) =>") || code.contains("let _ =")),
    ("one passed over", |code| word(code, "continue")),
    ("left early", |code| {
        ["return", "return Vec::new()"].iter().any(|early| {
            code.contains(&format!("else {{ {early} }}")) || code.contains(&format!("else {{ {early}; }}"))
        })
    }),
    ("some taken away", |code| code.contains(".retain(") || code.contains(".retain_mut(")),
    ("the rest ignored", |code| code.contains("_ => {}") || code.contains("_ => (),")),
    ("a fault told", |code| {
        ["Problem::warning(", "Problem::information(", ".warn("].iter().any(|told| code.contains(told))
    }),
    ("a default for what cannot be read", |code| {
        code.contains("unwrap_or_default()") && (code.contains("parse") || code.contains("try_from"))
    }),
];

/// What shows in a function that it records what it lets go: a problem that says so, or an error, which refuses the message
/// and is counted with it.
const RECORDED: &[&str] =
    &[".unused(", ".lose(", "Unused::new(", "list_unmapped(", "Problem::error(", "Problem::fatal("];

const REASON: &str = "// Nothing lost: ";
const SHORTEST_REASON: usize = 12;

/// `.take(` of an iterator; that of a cell, a scanner or a record takes something else.
fn is_cut(code: &str) -> bool {
    let others =
        ["self", "scanner", "working", "overlay", "gathered", "splitting"].map(|other| format!("{other}.take("));
    let is_other =
        code.contains(".take()") || code.contains(".take('") || others.iter().any(|other| code.contains(other));
    code.contains(".truncate(") || code.contains(".take(") && !is_other
}

fn is_bound(code: &str) -> bool {
    let declares = |word: &str| format!(" {code}").contains(&format!(" {word} "));
    let names = ["MAX", "MOST", "LONGEST", "LARGEST", "DEEPEST"];
    let words = code.split(|sign: char| !sign.is_alphanumeric() && sign != '_');
    let is_name = |word: &str| {
        names.iter().any(|name| word == *name || word.strip_prefix(name).is_some_and(|rest| rest.starts_with('_')))
    };
    !declares("const") && !declares("use") && !code.contains("::MAX") && words.into_iter().any(is_name)
}

fn word(code: &str, wanted: &str) -> bool {
    code.split(|sign: char| !sign.is_alphanumeric() && sign != '_').any(|word| word == wanted)
}

#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Recorded,
    Reasoned,
    Silent,
}

/// Every place of a file where something is let go: line, how, and whether that is recorded or has a reason.
fn places(text: &str) -> Vec<(usize, &'static str, Fate)> {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        let Some((how, _)) = PATTERNS.iter().find(|(_, matches)| matches(code)) else { continue };
        let fate = if has_reason(&lines, number) {
            Fate::Reasoned
        } else if function(&lines, number).iter().any(|line| RECORDED.iter().any(|marker| line.contains(marker))) {
            Fate::Recorded
        } else {
            Fate::Silent
        };
        found.push((number + 1, *how, fate));
    }
    found
}

/// On the line itself, or in the comment right above it.
fn has_reason(lines: &[&str], number: usize) -> bool {
    let says = |line: &str| line.split_once(REASON).is_some_and(|(_, reason)| reason.len() >= SHORTEST_REASON);
    let above = lines[..number].iter().rev().take_while(|line| line.trim_start().starts_with("//"));
    says(lines[number]) || above.into_iter().any(|line| says(line))
}

/// The lines of the function around a line, as rustfmt sets them: from `fn` to the brace below it.
fn function<'a>(lines: &'a [&'a str], number: usize) -> &'a [&'a str] {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let opens = |line: &str| {
        let line = line.trim_start();
        line.starts_with("fn ") || line.starts_with("async fn ") || line.starts_with("pub") && line.contains("fn ")
    };
    let Some(first) = (0..=number).rev().find(|at| opens(lines[*at])) else { return &lines[number..=number] };
    let depth = indent(lines[first]);
    let ends = |line: &str| indent(line) == depth && line.trim_start().starts_with('}');
    let last = (number..lines.len()).find(|at| ends(lines[*at])).unwrap_or(number);
    &lines[first..=last]
}

fn on_the_path(path: &Path) -> bool {
    let shown = path.to_str().unwrap();
    // A table of contents holds no code.
    let is_table = shown.ends_with("mod.rs");
    ROOMS.contains(&room(path).as_str()) && !is_table && !NOT_ON_THE_PATH.iter().any(|other| shown.contains(other))
}

#[test]
fn whatever_is_dropped_on_a_messages_path_is_recorded_or_has_its_reason_beside_it() {
    let (mut recorded, mut reasoned, mut silent) = (0, 0, Vec::new());
    for (path, text) in sources().into_iter().filter(|(path, _)| on_the_path(path)) {
        for (line, how, fate) in places(&text) {
            match fate {
                Fate::Recorded => recorded += 1,
                Fate::Reasoned => reasoned += 1,
                Fate::Silent => silent.push(format!("{}:{line}: {how}, and nothing says so", path.display())),
            }
        }
    }
    let all = recorded + reasoned + silent.len();
    println!(
        "{all} places where something is dropped, defaulted, cut or limited: {recorded} recorded, {reasoned} with a reason"
    );
    assert!(all > 100, "the scan finds {all} places; it looks at the wrong files");
    assert!(silent.is_empty(), "record it by `.unused(…)` or write `{REASON}…` beside it:\n{}", silent.join("\n"));
}

#[test]
fn the_scan_knows_what_is_recorded_what_has_a_reason_and_what_has_neither() {
    let text = "\
fn cut(all: &mut Vec<u8>) {
    all.truncate(9);
}

fn said(all: &mut Vec<u8>) -> Problem {
    all.retain(|one| *one > 0);
    problem.unused(Kind::Limit, \"9 readings\")
}

fn explained(all: &[u8]) {
    for one in all {
        // Nothing lost: what is empty states
        // nothing.
        let Some(one) = one else { continue };
        go(one.parse::<u8>().ok()); // Nothing lost: tried as a text next.
    }
    if all.len() > MOST_READINGS {}
}
";
    let fates: Vec<(usize, Fate)> = places(text).into_iter().map(|(line, _, fate)| (line, fate)).collect();
    let expected =
        [(2, Fate::Silent), (6, Fate::Recorded), (14, Fate::Reasoned), (15, Fate::Reasoned), (17, Fate::Silent)];
    assert_eq!(fates, expected);
}
