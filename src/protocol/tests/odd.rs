//! What is odd about protocols is warned of, at the rule's line, with what to change; what is shipped is not odd.

use std::collections::BTreeSet;

use crate::protocol::set::ProtocolSet;
use crate::yaml::Source;

/// The warnings of one rule, written below the head of a file.
fn told(rules: &str) -> Vec<String> {
    told_where(rules, &["Encounter", "Observation", "Condition", "ServiceRequest", "EpisodeOfCare"])
}

fn told_where(rules: &str, sent: &[&str]) -> Vec<String> {
    let text = format!("protocol: ours\ntitle: Ours\n{rules}\n");
    let (set, problems) = ProtocolSet::built_in().with_file(&Source::new("protocols/ours.yaml", text.as_str()));
    assert!(problems.is_empty(), "{problems:?}\n{text}");
    let sent: BTreeSet<String> = sent.iter().map(ToString::to_string).collect();
    set.unwrap().oddities(&sent).iter().map(ToString::to_string).collect()
}

fn task(rest: &str) -> String {
    format!("tasks:\n  - {{ id: call, title: Call, text: Call., {rest} }}")
}

fn alert(series: &str, rest: &str) -> String {
    let level = "{ respond: 4 h, chain: [ { owner: coach } ] }";
    let rest = if rest.is_empty() { format!("warn: {level}, escalate: {level}") } else { rest.to_string() };
    format!("alerts:\n  - {{ id: high, title: High, text: '{{value}}', series: [ {series} ], {rest} }}")
}

const PULSE: &str = "name: pulse, code: { codes: [loinc 8867-4] }, unit: /min, plausible: { from: 20, to: 250 }";

#[test]
fn what_is_shipped_is_not_odd() {
    let none = BTreeSet::new();
    let odd: Vec<String> = ProtocolSet::built_in().oddities(&none).iter().map(ToString::to_string).collect();
    assert!(odd.is_empty(), "{}", odd.join("\n"));
}

#[test]
fn a_rule_that_never_comes_says_why() {
    let cases = [
        (task("when: { discharge: { class: stay } }, for: { age: { from: 70, to: 50 } }"), "nobody is 70 or older"),
        (
            task("when: { discharge: { class: stay } }, wait: 3 d, lapses: 48 h"),
            "lapses after 48 h, before the wait of 3 days",
        ),
        (
            task("when: { discharge: { class: stay } }, due: 9 d, lapses: 1 weeks"),
            "due after 9 days and lapses after 7 days",
        ),
        (
            task("when: { discharge: { class: stay } }, lapses: 4 d, climb: [ { after: 5 d, priority: urgent } ]"),
            "the step after 5 days never comes",
        ),
        (
            task(
                "when: { discharge: { class: stay } }, for: { enrolled: { programme: { valueset: enhanced-care } }, not-enrolled: { programme: { valueset: enhanced-care } } }",
            ),
            "nobody is enrolled in a programme and not enrolled in it",
        ),
        (task("when: { arrival: { class: stay, disposition: { valueset: discharge-died } } }"), "use `discharge`"),
        (task("when: { discharge: { class: stay, seen: true } }"), "`seen` counts in evidence only"),
        (
            task("when: { discharge: { class: stay, reason: { codes: [loinc 4548-4] } } }"),
            "`loinc 4548-4` is never met",
        ),
        (task("when: { discharge: { class: stay, disposition: { codes: [snomed 306689006] } } }"), "name a value set"),
        (
            task(
                "when: { discharge: { class: stay } }, done-by: { resource: Observation, code: { codes: [cvx 140] } }",
            ),
            "Observation never comes with a code of cvx",
        ),
        (
            task(
                "when: { discharge: { class: stay } }, unless: { encounter: { class: outpatient }, from: 8 d, within: 7 d }",
            ),
            "never counts; `from` lies before `within`",
        ),
        (
            alert(&format!("{{ {PULSE}, warn: {{ above: 250 }}, clear: {{ at-most: 100 }} }}"), ""),
            "no value can be right",
        ),
        (
            alert(&format!("{{ {PULSE}, escalate: {{ below: 15 }}, clear: {{ at-least: 50 }} }}"), ""),
            "`plausible: { from }`",
        ),
        (alert(&format!("{{ {PULSE} }}"), ""), "this is never raised"),
        (
            alert(
                &format!("{{ {PULSE}, warn: {{ above: 120 }}, clear: {{ at-most: 100 }} }}"),
                "apart: 1 h, warn: { readings: 4 of 4, within: 2 h, respond: 4 h, chain: [ { owner: coach } ] }, escalate: { respond: 4 h, chain: [ { owner: coach } ] }",
            ),
            "asks for 4 sittings within 2 h",
        ),
        (
            alert(
                &format!(
                    "{{ {PULSE}, warn: {{ above: 120 }}, escalate: {{ above: 120 }}, clear: {{ at-most: 100 }} }}"
                ),
                "",
            ),
            "it never only warns",
        ),
        (
            alert(
                "{ name: sugar, code: { codes: [loinc 14749-6] }, unit: mg/dL, plausible: { from: 10, to: 900 }, warn: { above: 250 }, clear: { at-most: 200 } }",
                "",
            ),
            "loinc 14749-6 comes in mmol/L, which is not read as the mg/dL of sugar; say its `substance`",
        ),
        (
            alert(
                "{ name: weight, code: { codes: [loinc 29463-7] }, unit: cm, plausible: { from: 10, to: 900 }, warn: { above: 250 }, clear: { at-most: 200 } }",
                "",
            ),
            "loinc 29463-7 comes in kg",
        ),
    ];
    for (rules, expected) in cases {
        let told = told(&rules);
        assert!(told.len() == 1 && told[0].contains(expected), "{rules}\n{told:#?}");
        assert!(told[0].starts_with("protocols/ours.yaml:4"), "{told:?}");
    }
}

#[test]
fn two_rules_that_ask_for_the_same_are_told_once_and_only_where_both_can_hold() {
    let two = |one: &str, other: &str| {
        told(&format!(
            "tasks:\n  - {{ id: first, code: call, title: A, text: A., {one} }}\n  - {{ id: second, code: call, title: B, text: B., {other} }}"
        ))
    };
    let stay = "when: { discharge: { class: stay } }";
    let told_of = two(stay, "when: { discharge: { class: [IMP, EMER] } }");
    assert!(told_of.len() == 1 && told_of[0].contains("`first` (protocols/ours.yaml:4)"), "{told_of:?}");
    assert!(told_of[0].starts_with("protocols/ours.yaml:5"), "{told_of:?}");
    for other in [
        "when: { discharge: { class: emergency } }",
        "when: { discharge: { class: stay, disposition: { valueset: discharge-died } } }, for: { age: { to: 30 } }",
        "when: { arrival: { class: stay } }",
        "when: { discharge: { class: stay } }, covered-by: first, for: { age: { to: 30 } }",
    ] {
        assert_eq!(two("when: { discharge: { class: stay } }, for: { age: { from: 31 } }", other), [""; 0], "{other}");
    }
    let ended = "when: { discharge: { class: stay, disposition: { valueset: discharge-died } } }";
    let other =
        "when: { discharge: { class: stay, disposition-not: { valueset: [discharge-left-early, discharge-died] } } }";
    assert_eq!(two(ended, other), [""; 0]);
    assert_eq!(two(ended, &other.replace(", discharge-died", "")).len(), 1);
    let never = two(stay, "when: { discharge: { class: stay } }, covered-by: first");
    assert!(never.len() == 1 && never[0].contains("has the same trigger for everybody and covers this"), "{never:?}");
    let level =
        "warn: { respond: 4 h, chain: [ { owner: coach } ] }, escalate: { respond: 4 h, chain: [ { owner: coach } ] }";
    let rings = |below: &str| {
        told(&format!(
            "alerts:\n  - {{ id: a, title: A, text: '{{value}}', series: [ {{ {PULSE}, warn: {{ above: 120 }}, clear: {{ at-most: 100 }} }} ], {level} }}\n  \
             - {{ id: b, title: B, text: '{{value}}', series: [ {{ {PULSE}, {below} }} ], {level} }}"
        ))
    };
    let twice = rings("escalate: { above: 140 }, clear: { at-most: 100 }");
    assert!(twice.len() == 1 && twice[0].contains("one reading rings twice"), "{twice:?}");
    assert_eq!(rings("warn: { below: 40 }, clear: { at-least: 50 }"), [""; 0]);
}

#[test]
fn what_nobody_sends_here_is_told_for_each_rule() {
    let rules = task("when: { enrolled: { programme: { valueset: enhanced-care } } }");
    let told_of = told_where(&rules, &["Encounter"]);
    assert!(told_of.len() == 1 && told_of[0].contains("no feed of this site brings a EpisodeOfCare"), "{told_of:?}");
    assert_eq!(told_where(&rules, &["EpisodeOfCare"]), [""; 0]);
}

#[test]
fn a_rule_that_no_example_brings_about_is_named() {
    let text = "protocol: ours\ntitle: Ours\nprompts:\n  - { id: ask, ask: Done?, show: every-visit, answers: { done: 9 d } }\ntasks:\n  \
        - { id: call, title: Call, text: Call., when: { discharge: { class: emergency } } }\n  \
        - { id: visit, title: Visit, text: Visit., when: { discharge: { class: stay } } }\nexamples:\n  \
        - { why: one is called, story: [ { ed-arrival: '2026-05-04T10:00' }, { ed-discharge: '2026-05-04T12:00' } ], expect: { no-task: visit } }\n";
    let (set, problems) = ProtocolSet::built_in().with_file(&Source::new("protocols/ours.yaml", text));
    assert!(problems.is_empty(), "{problems:?}");
    let unproven: Vec<String> = set.unwrap().unproven().iter().map(ToString::to_string).collect();
    assert!(unproven.len() == 1 && unproven[0].contains("no example brings `visit` about"), "{unproven:?}");
}
