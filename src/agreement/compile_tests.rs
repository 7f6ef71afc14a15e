//! Faults of agreement files: all in one run, each with its place and what would have been right.

use std::sync::Arc;

use super::{Names, compile};
use crate::fhir::{ValueSets, built_in_value_sets};
use crate::problem::Problem;
use crate::yaml::Source;

fn faults(text: &str) -> Vec<(u32, String)> {
    let value_sets = Arc::new(ValueSets::compile(&built_in_value_sets()).0);
    let names = Names { partners: Some(&["lakeside-practice"]), panels: Some(&["lakeside"]), value_sets };
    let (_, problems) = compile(&[Source::new("agreements/a.yaml", text)], &names);
    let place = |problem: &Problem| match &problem.place {
        crate::problem::Place::File(mark) => mark.line,
        _ => 0,
    };
    problems.iter().map(|problem| (place(problem), problem.text.clone())).collect()
}

#[test]
fn every_fault_of_a_file_is_told_with_its_line_and_the_nearest_right_name() {
    let found = faults(
        "agreement: a
partner: lakeside-practise
valid: { from: 2027-01-01, to: 2026-01-01 }
purpose: [TRAET]
status: suspnded
patients: { panel: lakesid }
receives:
  - { resource: Taks, push: immediate }
  - { resource: Encounter, pull: true, without: [participant.indvidual] }
  - { resource: Condition, where: 'code.coding.code in %cpod', pull: true }
  - { resource: Condition, where: 'cod.exists()', pull: true }
  - { resource: Observation }
  - { resource: Patient, pull: true, without: [meta.security] }
  - { resource: Group, push: on-change, pull: true }
nevr: [R]
",
    );
    let has = |line: u32, part: &str| found.iter().any(|(at, text)| *at == line && text.contains(part));
    for (line, part) in [
        (2, "did you mean `lakeside-practice`?"),
        (3, "ends before it begins"),
        (4, "did you mean `TREAT`?"),
        (5, "did you mean `suspended`?"),
        (6, "did you mean `lakeside`?"),
        (8, "did you mean `Task`?"),
        (9, "did you mean `individual`?"),
        (10, "did you mean `%copd`?"),
        (11, "cod"),
        (12, "lets nothing flow"),
        (13, "cannot be left out"),
        (14, "is read, never sent"),
        (15, "did you mean `never`?"),
    ] {
        assert!(has(line, part), "line {line}: {part}\n{found:#?}");
    }
    assert_eq!(found.len(), 13, "{found:#?}");
}

#[test]
fn a_task_without_its_reason_has_words_that_the_agreement_states() {
    let line = |line: &str, never: &str| {
        faults(&format!(
            "agreement: a\npartner: lakeside-practice\npurpose: [TREAT]\npatients: {{ panel: lakeside }}\nreceives:\n  \
             - {{ {line} }}\nnever: [{never}]\n"
        ))
    };
    assert_eq!(line("resource: Task, push: immediate, without-reason: Call after an emergency visit", "R"), []);
    let long = format!("resource: Task, pull: true, without-reason: '{}'", "x".repeat(141));
    for (written, never, part) in [
        ("resource: CarePlan, pull: true, without-reason: A plan", "R", "only a Task"),
        ("resource: Task, pull: true, without-reason: ''", "R", "is what the Task says instead"),
        ("resource: Task, pull: true, without-reason: [a, b]", "R", "is what the Task says instead"),
        (long.as_str(), "R", "at most 140"),
        ("resource: Task, pull: true, without-reason: Call", "", "keeps nothing back"),
        ("resource: Task, pull: true, without-reson: Call", "R", "did you mean `without-reason`?"),
    ] {
        let found = line(written, never);
        assert!(matches!(found.as_slice(), [(6, text)] if text.contains(part)), "{written}: {found:?}");
    }
}

#[test]
fn what_a_partner_may_send_is_a_type_or_an_element_and_messages_are_the_feeds() {
    let sends = |what: &str| {
        faults(&format!(
            "agreement: a\npartner: lakeside-practice\npurpose: [TREAT]\npatients: {{ panel: lakeside }}\n\
             receives: [{{ resource: Task, pull: true }}]\nsends: [{what}]\n"
        ))
    };
    for right in ["Flag.status", "Observation", "Task.businessStatus, QuestionnaireResponse"] {
        assert_eq!(sends(right), [], "{right}");
    }
    for (wrong, part) in [
        ("Flag.state", "no element `state`; did you mean `status`?"),
        ("Observaton", "did you mean `Observation`?"),
        ("SIU", "come by feeds"),
        ("Task.", "no element ``"),
        ("''", "not a resource type"),
    ] {
        let found = sends(wrong);
        assert!(matches!(found.as_slice(), [(6, text)] if text.contains(part)), "{wrong}: {found:?}");
    }
}

#[test]
fn a_label_of_a_sites_own_is_taken_with_a_warning() {
    let found =
        faults("agreement: a\npartner: lakeside-practice\npurpose: TREAT\npatients: { all: true }\nnever: [FAMOUS]\n");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].1.contains("one of your own"));
}

#[test]
fn the_same_name_twice_is_refused() {
    let text = "agreement: a\npartner: p\npurpose: TREAT\npatients: { all: true }\n";
    let names = Names { partners: None, panels: None, value_sets: Arc::new(ValueSets::default()) };
    let (set, problems) = compile(&[Source::new("1.yaml", text), Source::new("2.yaml", text)], &names);
    assert_eq!(problems.len(), 1);
    assert_eq!(set.partners(), ["p"]);
}
