//! Runs the examples of protocol files.

use std::collections::BTreeSet;

use super::expect::compare;
use super::scene::Scene;
use super::step::{moments, play};
use crate::problem::Problem;
use crate::protocol::model::{Example, Protocol};
use crate::protocol::set::ProtocolSet;
use crate::protocol::work::{Work, existing_work, place_of};

/// How one example went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExampleResult {
    pub protocol: String,
    pub why: String,
    /// `protocols/ed-follow-up.yaml:102`
    pub place: String,
    /// Empty when it went as written.
    pub failures: Vec<String>,
}

impl ProtocolSet {
    /// Whether every example goes as written; stops at the first that does not.
    pub fn examples_hold(&self) -> bool {
        self.protocols().iter().all(|protocol| {
            let alone = self.only(&protocol.name);
            protocol.examples.iter().all(|example| run(&alone, protocol, example).failures.is_empty())
        })
    }

    /// Plays every example of every protocol.
    pub fn run_examples(&self) -> Vec<ExampleResult> {
        let mut results = Vec::new();
        for protocol in self.protocols() {
            let alone = self.only(&protocol.name);
            results.extend(protocol.examples.iter().map(|example| run(&alone, protocol, example)));
        }
        results
    }
}

/// The rules whose work an example brings about.
pub fn rules_of(alone: &ProtocolSet, example: &Example) -> BTreeSet<String> {
    let scene = played(alone, example, &mut Vec::new());
    let works = existing_work(&scene.record, &mut Work::shared);
    works.into_values().flatten().map(|existing| existing.work.rule.clone()).collect()
}

fn run(alone: &ProtocolSet, protocol: &Protocol, example: &Example) -> ExampleResult {
    let mut problems = Vec::new();
    let mut scene = played(alone, example, &mut problems);
    let differences = compare(&scene, &example.expect, &mut problems);
    let mut failures: Vec<String> = problems.iter().map(ToString::to_string).collect();
    failures.append(&mut scene.failures);
    failures.extend(differences);
    ExampleResult {
        protocol: protocol.name.clone(),
        why: example.why.clone(),
        place: place_of(&example.mark),
        failures,
    }
}

fn played<'s>(alone: &'s ProtocolSet, example: &Example, problems: &mut Vec<Problem>) -> Scene<'s> {
    let first = example.story.iter().flat_map(moments).next();
    let start = first.or_else(|| "2026-01-05T13:00:00Z".parse().ok()).unwrap_or_default();
    let mut scene = Scene::new(alone, start);
    for step in &example.story {
        play(&mut scene, step, problems);
    }
    scene
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_example_goes_as_written() {
        let set = ProtocolSet::built_in();
        let results = set.run_examples();
        let failed: Vec<String> = results
            .iter()
            .filter(|result| !result.failures.is_empty())
            .map(|result| format!("{} {}\n    {}", result.place, result.why, result.failures.join("\n    ")))
            .collect();
        assert!(failed.is_empty(), "\n{}", failed.join("\n"));
        for protocol in set.protocols() {
            assert!(protocol.examples.len() >= 3, "{} has fewer than three examples", protocol.name);
        }
    }
}
