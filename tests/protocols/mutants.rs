//! Changes each number, window, code and bound of every shipped protocol once, and asks whether an example of the same file
//! notices. What no example notices is printed: a rule that nobody would miss.

use std::collections::BTreeMap;
use std::sync::Arc;

use handover::fhir::{ValueSets, built_in_value_sets};
use handover::protocol::{ProtocolSet, built_in_protocols, compile};
use handover::yaml::Source;
use regex_lite::Regex;

/// Keys whose values are words for people, or names.
const WORDS: &[&str] = &["title", "text", "source", "ask", "detail", "label", "why", "protocol", "id"];

/// The share of changes that examples must notice.
const WANTED: f64 = 0.95;

/// Every example is played for a change that none notices, so one of so many changes is tried; all of them with
/// `HANDOVER_MUTANTS=all`.
const ONE_OF: usize = 4;

/// One change of a file.
struct Mutant {
    file: Arc<str>,
    line: usize,
    text: String,
    what: String,
}

#[test]
fn examples_notice_when_a_number_a_window_a_code_or_a_bound_changes() {
    let value_sets = Arc::new(ValueSets::compile(&built_in_value_sets()).0);
    let (calendars, protocols): (Vec<Source>, Vec<Source>) =
        built_in_protocols().into_iter().partition(|source| source.name.contains("calendars/"));
    for source in &protocols {
        // A file whose examples fail as it is would seem to notice everything.
        let unchanged =
            Mutant { file: Arc::clone(&source.name), line: 0, text: source.text.to_string(), what: String::new() };
        assert!(!is_caught(&calendars, &unchanged, &value_sets), "the examples of {} do not hold", source.name);
    }
    let step = if std::env::var("HANDOVER_MUTANTS").is_ok_and(|word| word == "all") { 1 } else { ONE_OF };
    let all: Vec<Mutant> = protocols.iter().flat_map(|source| mutants(source).into_iter().step_by(step)).collect();
    let mut missed: Vec<String> = Vec::new();
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (mutant, caught) in all.iter().zip(verdicts(&all, &calendars, &value_sets)) {
        let name = mutant.file.trim_start_matches("built-in:");
        let count = counts.entry(name).or_default();
        count.0 += usize::from(caught);
        count.1 += 1;
        if !caught {
            missed.push(format!("{name}:{}: {}", mutant.line, mutant.what));
        }
    }
    for (name, (caught, all)) in &counts {
        println!("{name}: {caught} of {all}");
    }
    missed.iter().for_each(|miss| println!("missed {miss}"));
    let (caught, all) = counts.values().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let score = caught as f64 / all as f64;
    println!("{caught} of {all} changes noticed ({:.1} %)", score * 100.0);
    assert!(score >= WANTED, "{}", missed.join("\n"));
}

/// Whether each change is caught, found on two threads: the long files are spread over both.
fn verdicts(all: &[Mutant], calendars: &[Source], value_sets: &Arc<ValueSets>) -> Vec<bool> {
    let half = |first: usize| {
        let chosen = all.iter().skip(first).step_by(2);
        chosen.map(|mutant| is_caught(calendars, mutant, value_sets)).collect::<Vec<_>>()
    };
    let (even, odd) = std::thread::scope(|scope| {
        let odd = scope.spawn(|| half(1));
        (half(0), odd.join().unwrap())
    });
    (0..all.len()).map(|place| [&even, &odd][place % 2][place / 2]).collect()
}

/// Whether the changed file is refused, or one of its examples fails.
fn is_caught(calendars: &[Source], mutant: &Mutant, value_sets: &Arc<ValueSets>) -> bool {
    let mut sources = calendars.to_vec();
    sources.push(Source::new(Arc::clone(&mutant.file), mutant.text.as_str()));
    let (set, problems): (ProtocolSet, _) = compile(&sources, &[], Arc::clone(value_sets));
    problems.iter().any(|problem| problem.is_error()) || !set.examples_hold()
}

/// Every change of the rules of a file; its examples stay as they are.
fn mutants(source: &Source) -> Vec<Mutant> {
    let mut found = Vec::new();
    let lines: Vec<&str> = source.text.lines().collect();
    // Words that go on over several lines, by the indentation of their key.
    let mut words_below: Option<usize> = None;
    for (number, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        if line.starts_with("examples:") {
            break;
        }
        if words_below.is_some_and(|key| indent > key || line.trim().is_empty()) {
            continue;
        }
        words_below = None;
        let code = line.split(" #").next().unwrap_or_default();
        let key = code.trim_start().trim_start_matches("- ").split(':').next().unwrap_or_default();
        if code.trim_start().starts_with('#') || WORDS.contains(&key) {
            words_below = (code.ends_with(">-") || code.ends_with('|')).then_some(indent);
            continue;
        }
        for (from, to, replacement) in changes(code) {
            let changed = format!("{}{replacement}{}", &line[..from], &line[to..]);
            let what = format!("`{}` became `{}`", line.trim(), changed.trim());
            let mut whole: Vec<&str> = lines.clone();
            whole[number] = &changed;
            found.push(Mutant {
                file: Arc::clone(&source.name),
                line: number + 1,
                text: whole.join("\n") + "\n",
                what,
            });
        }
    }
    found
}

/// The changes of one line: from, to, and what stands there instead.
fn changes(line: &str) -> Vec<(usize, usize, String)> {
    let mut found = Vec::new();
    let mut each = |pattern: &str, group: usize, change: &dyn Fn(&str) -> Option<String>| {
        for captures in Regex::new(pattern).unwrap().captures_iter(line) {
            let part = captures.get(group).unwrap();
            found.extend(change(part.as_str()).map(|new| (part.start(), part.end(), new)));
        }
    };
    each(r"(^|[ :\[{(,+-])(\d+(\.\d+)?)($|[ ,\]})])", 2, &|number| Some(greater(number)));
    each(r"\b(above|at-least|below|at-most):", 1, &|word| {
        let other = match word {
            "above" => "at-least",
            "at-least" => "above",
            "below" => "at-most",
            _ => "below",
        };
        Some(other.to_string())
    });
    each(r"valueset: *([a-z-]+)", 1, &|set| Some(if set == "dementia" { "stroke" } else { "dementia" }.to_string()));
    each(r"\bof: ([a-z-]+)\b", 1, &|set| Some(if set == "dementia" { "stroke" } else { "dementia" }.to_string()));
    if line.contains("where") {
        each(r"'([A-Za-z0-9-]+)'", 1, &|_| Some("zz".to_string()));
    }
    each(r"\b([A-Z]{2,8})\b", 1, &|class| Some(if class == "PRENC" { "FLD" } else { "PRENC" }.to_string()));
    each(r"\bbusiness (days)\b", 0, &|_| Some("days".to_string()));
    found
}

/// One more of the last digit.
fn greater(number: &str) -> String {
    match number.split_once('.') {
        Some((whole, fraction)) => {
            let digits: u64 = format!("{whole}{fraction}").parse().unwrap();
            let more = format!("{:0width$}", digits + 1, width = fraction.len() + 1);
            let (whole, fraction) = more.split_at(more.len() - fraction.len());
            format!("{whole}.{fraction}")
        }
        None => (number.parse::<u64>().unwrap() + 1).to_string(),
    }
}

#[test]
fn a_file_is_changed_in_its_rules_and_nowhere_else() {
    let text = "protocol: x\ntasks:\n  - id: a7\n    text: >-\n      within 7 d\n    due: 2 business days # 3 d\n    warn: { above: 140.5 }\nexamples:\n  - why: 9\n";
    let told: Vec<String> = mutants(&Source::new("x", text)).into_iter().map(|mutant| mutant.what).collect();
    assert_eq!(told.len(), 4, "{told:#?}");
    assert!(told[0].contains("3 business days") && told[2].contains("140.6") && told[3].contains("at-least: 140.5"));
}
