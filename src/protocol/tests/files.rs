//! Reading: every fault in one run, and whose file stands.

use std::sync::Arc;

use super::stage::SHIPPED;
use crate::fhir::{ValueSets, built_in_value_sets};
use crate::protocol::{built_in_protocols, compile};
use crate::yaml::Source;

fn value_sets() -> Arc<ValueSets> {
    Arc::new(ValueSets::compile(&built_in_value_sets()).0)
}

#[test]
fn what_is_shipped_has_no_faults() {
    let (set, problems) = compile(&built_in_protocols(), &[], value_sets());
    assert_eq!(problems, []);
    let names: Vec<String> = set.list().into_iter().map(|listed| listed.name).collect();
    assert_eq!(names.len(), 25);
    assert_eq!(names.first().map(String::as_str), Some("asthma"));
}

#[test]
fn every_mistake_of_a_file_is_told_in_one_run_with_its_line() {
    let text = "\
protocol: follow-up
titel: Follow-up
for: { condition: { valueset: cpod } }
tasks:
  - id: call
    title: Call
    text: '{pateint} left'
    when: { discharge: { class: EMRE, where: 'perid.exists()' } }
    owner: nurse
    due: 2 busness days
    covered-by: visit
  - id: call
    title: Call again
    text: Call
    when: {}
";
    let (_, problems) = compile(&[], &[Source::new("protocols/follow-up.yaml", text)], value_sets());
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let expected = [
        ":2:1: unknown key `titel`; did you mean `title`?",
        ":3:31: there is no value set `cpod`; did you mean `copd`?",
        ":7:11: nothing fills `{pateint}` here; did you mean `{patient}`?",
        ":8:33: `EMRE` is not one of",
        ":8:46: `where` on Encounter:",
        ":9:12: `nurse` is not one of practice, care-manager, coach, clinician",
        ":10:10: a span of time is written like 30 min, 4 h, 7 d or 2 business days",
        ":15:11: say one thing that triggers it",
    ];
    for words in expected {
        assert!(told.iter().any(|line| line.contains(words)), "{words} is not among\n{}", told.join("\n"));
    }
    assert!(!told.iter().any(|line| line.contains("`title` is missing")), "it is misspelt, which is told");
}

#[test]
fn thresholds_that_contradict_each_other_are_refused() {
    let text = "\
protocol: p
title: P
alerts:
  - id: high
    title: High
    text: High
    series:
      - { name: x, code: { codes: [loinc 8480-6] }, unit: mmHg, plausible: { from: 1, to: 2 }, warn: { above: 140 }, clear: { at-most: 150 } }
    warn: { respond: 1 d, chain: [ { owner: coach, after: 1 h } ] }
    escalate: { readings: 4 of 3, respond: 1 h, chain: [ { owner: coach }, { after: 2 h }, { after: 1 h } ] }
";
    let (_, problems) = compile(&[], &[Source::new("protocols/p.yaml", text)], value_sets());
    let told: Vec<String> = problems.iter().map(|problem| problem.text.clone()).collect();
    for words in [
        "`mmHg` is not a UCUM unit",
        "`clear` lies on the inner side",
        "the first step of the chain has it at once",
        "write how many of the last readings it takes",
        "each step comes later than the one before",
    ] {
        assert!(told.iter().any(|line| line.contains(words)), "{words} is not among\n{}", told.join("\n"));
    }
}

#[test]
fn bounds_lie_one_beyond_the_other_on_each_side() {
    let text = "\
protocol: p
title: P
alerts:
  - id: pulse
    title: Pulse
    text: Pulse
    series:
      - name: pulse
        code: { codes: [loinc 8867-4] }
        unit: '/min'
        plausible: { from: 20, to: 250, above: puls }
        warn: { above: 100, at-least: 101 }
        escalate: { above: 90, below: 50 }
        change: { below-baseline: 3, above-baseline: 3, over: 30 d, at-least: 5 }
        clear: { at-most: 95 }
    warn: { respond: 1 d, chain: [ { owner: coach } ], confirm: { within: 15 min, else: warn } }
    escalate: { respond: 1 h, chain: [ { owner: coach } ], confirm: { within: 15 min, else: nothing } }
    taken: [home, ICU]
";
    let (_, problems) = compile(&[], &[Source::new("protocols/p.yaml", text)], value_sets());
    let told: Vec<String> = problems.iter().map(|problem| problem.text.clone()).collect();
    for words in [
        "this alert has no other series `puls`",
        "bounds are one of above and at-least",
        "`escalate` lies beyond `warn`",
        "`clear` says on each side that is watched",
        "a change is `below-baseline` or `above-baseline`",
        "only an escalation waits for a second reading",
        "`nothing` is not one of escalate, warn",
        "`ICU` is not one of home, AMB",
    ] {
        assert!(told.iter().any(|line| line.contains(words)), "{words} is not among\n{}", told.join("\n"));
    }
}

#[test]
fn a_sites_file_replaces_the_built_in_one_of_its_name_and_no_other() {
    let own = "protocol: ed-follow-up\ntitle: Ours\nplan: { title: Ours }\n";
    let (set, problems) =
        compile(&built_in_protocols(), &[Source::new("protocols/ed-follow-up.yaml", own)], value_sets());
    assert_eq!(problems, []);
    assert_eq!(set.protocol("ed-follow-up").unwrap().title, "Ours");
    assert_eq!(set.protocols().len(), SHIPPED.protocols().len());
    let (_, problems) = compile(&built_in_protocols(), &[Source::new("protocols/mine.yaml", own)], value_sets());
    assert!(problems[0].text.contains("there are two protocols `ed-follow-up`"));
}

#[test]
fn every_task_points_at_a_definition_that_is_published() {
    let urls: Vec<String> =
        SHIPPED.plan_definitions().iter().filter_map(|published| published.text("url").map(str::to_string)).collect();
    for protocol in SHIPPED.protocols() {
        for rule in protocol.tasks.iter().map(|task| &task.id).chain(protocol.alerts.iter().map(|alert| &alert.id)) {
            assert!(urls.contains(&super::super::names::activity_definition(&protocol.name, rule)), "{rule}");
        }
    }
}
