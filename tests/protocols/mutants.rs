//! Changes each number, window, code and bound of every shipped protocol once, and asks whether an example of the same file
//! notices. What no example notices is printed: a rule that nobody would miss.

use std::collections::BTreeMap;
use std::sync::Arc;

use handover::fhir::{ValueSets, built_in_value_sets};
use handover::protocol::{Mutant, built_in_protocols, mutants};
use handover::yaml::Source;

/// The share of changes that examples must notice.
const WANTED: f64 = 0.95;

/// Every example is played for a change that none notices, so one of so many changes is tried; all of them with
/// `HANDOVER_MUTANTS=all`.
const ONE_OF: usize = 4;

#[test]
fn examples_notice_when_a_number_a_window_a_code_or_a_bound_changes() {
    let value_sets = Arc::new(ValueSets::compile(&built_in_value_sets()).0);
    let (calendars, protocols): (Vec<Source>, Vec<Source>) =
        built_in_protocols().into_iter().partition(|source| source.name.contains("calendars/"));
    for source in &protocols {
        // A file whose examples fail as it is would seem to notice everything.
        let unchanged =
            Mutant { file: Arc::clone(&source.name), line: 0, text: source.text.to_string(), what: String::new() };
        assert!(!unchanged.is_noticed(&calendars, &value_sets), "the examples of {} do not hold", source.name);
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
        chosen.map(|mutant| mutant.is_noticed(calendars, value_sets)).collect::<Vec<_>>()
    };
    let (even, odd) = std::thread::scope(|scope| {
        let odd = scope.spawn(|| half(1));
        (half(0), odd.join().unwrap())
    });
    (0..all.len()).map(|place| [&even, &odd][place % 2][place / 2]).collect()
}
