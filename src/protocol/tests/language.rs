//! Triggers and people beside visits and readings: diagnoses, moves, cancellations, consents, days, medicines, and hours in which
//! nothing routine comes. Each rule's numbers are held by its examples.

use std::sync::Arc;

use crate::fhir::ValueSets;
use crate::protocol::mutants::mutants;
use crate::protocol::set::{ProtocolSet, built_in_protocols};
use crate::yaml::Source;

const FILE: &str = "
protocol: language
title: Language
quiet-hours: { from: '19:15', to: '06:45' }
tasks:
  - { id: learn, title: Learn, text: 'Teach {patient}.', due: 5 d, max-age: 21 d, when: { condition: { valueset: heart-failure } } }
  - { id: over, title: Over, text: Over., when: { condition: { valueset: asthma, becomes: resolved } } }
  - { id: moved, title: Moved, text: Moved., priority: urgent, when: { transfer: { class: [IMP] } } }
  - { id: gone, title: Gone, text: Gone., priority: urgent, when: { cancelled: { class: [IMP] } } }
  - { id: agreed, title: Agreed, text: Agreed., when: { consent: { code: { codes: [loinc 59284-0] }, becomes: given } } }
  - { id: review, title: Review, text: Review., max-age: 5 d, for: { medication: { codes: [rxnorm 11289] }, age: { from: 70 } }, when: { date: { day: birthday } } }
  - { id: flu, title: Flu, text: Flu., max-age: 3 d, for: { age: { from: 75 } }, when: { date: { day: 10-05 } } }
  - id: call
    title: Call
    text: Call.
    due: 6 h
    when: { discharge: { class: [EMER] } }
    climb: [ { after: 9 h, owner: care-manager }, { after: 11 h, priority: asap } ]
examples:
  - why: a diagnosis is taught about once, at the first time that it was known
    story:
      - { condition: I50.22, at: '2026-05-04T10:00' }
      - { condition: I50.32, at: '2026-05-06T10:00' }
    expect: { tasks: [ { rule: learn, due: '2026-05-09', text: Teach Jane Doe } ] }
  - why: one that was recorded three weeks ago is taught about
    story: [ { time: '2026-05-04T09:00' }, { condition: I50.22, since: '2026-04-13T12:00', at: '2026-05-04T10:00' } ]
    expect: { tasks: [ { rule: learn } ] }
  - why: and no older one
    story: [ { time: '2026-05-04T09:00' }, { condition: I50.22, since: '2026-04-13T09:00', at: '2026-05-04T10:00' } ]
    expect: { tasks: [] }
  - why: of another diagnosis nobody is taught, and one that is over is asked about when none is left
    story:
      - { condition: J45.20, at: '2026-05-04T10:00' }
      - { condition: J45.40, at: '2026-05-04T11:00' }
      - { condition: J45.20, clinical: resolved, at: '2026-05-05T10:00' }
      - { time: '2026-05-05T12:00' }
    expect: { tasks: [] }
  - why: as above, and the last one goes
    story:
      - { condition: J45.20, at: '2026-05-04T10:00' }
      - { condition: J45.20, clinical: resolved, at: '2026-05-05T10:00' }
    expect: { tasks: [ { rule: over } ] }
  - why: each move within a stay counts, and the newest is asked about
    story:
      - { admission: '2026-05-04T10:00' }
      - { transfer: intensive care, at: '2026-05-04T20:00' }
      - { transfer: ward 3, at: '2026-05-05T20:00' }
    expect: { tasks: [ { rule: moved, status: completed }, { rule: moved, status: requested } ] }
  - why: what is urgent comes at night, too, when a stay is cancelled
    story: [ { admission: '2026-05-04T22:00' }, { cancelled: admission, at: '2026-05-04T23:00' } ]
    expect: { tasks: [ { rule: gone } ] }
  - why: a consent that is given asks for work, a refused one and one for something else do not
    story: [ { consent: 59284-0, at: '2026-05-04T10:00' } ]
    expect: { tasks: [ { rule: agreed } ] }
  - why: as above
    story: [ { consent: 59284-0, deny: true, at: '2026-05-04T10:00' }, { consent: 64292-6, at: '2026-05-04T10:00' } ]
    expect: { tasks: [] }
  - why: who takes warfarin is reviewed on their birthday, in the morning
    story:
      - { time: '2026-05-03T10:00' }
      - { born: '1956-05-06' }
      - { medication: '11289', at: '2026-05-04T10:00' }
      - { time: '2026-05-06T06:44' }
    expect: { tasks: [], wake: '2026-05-06T06:45' }
  - why: as above, a quarter later
    story:
      - { time: '2026-05-03T10:00' }
      - { born: '1956-05-06' }
      - { medication: '11289', at: '2026-05-04T10:00' }
      - { time: '2026-05-06T06:46' }
    expect: { tasks: [ { rule: review, text: 'owed since Wed 6 May 2026, 06:45' } ] }
  - why: who is younger, takes another medicine or takes it no more is not
    story:
      - { time: '2026-05-03T10:00' }
      - { born: '1957-05-06' }
      - { medication: '11289', at: '2026-05-04T10:00' }
      - { time: '2026-05-07T10:00' }
    expect: { tasks: [] }
  - why: as above
    story:
      - { time: '2026-05-03T10:00' }
      - { born: '1946-05-06' }
      - { medication: '1202', at: '2026-05-04T10:00' }
      - { medication: '11289', status: stopped, at: '2026-05-04T10:00' }
      - { time: '2026-05-07T10:00' }
    expect: { tasks: [] }
  - why: five days after the birthday it is made up for, six days after it is not
    story: [ { time: '2026-05-03T10:00' }, { born: '1946-05-06' }, { medication: '11289', at: '2026-05-10T23:00' }, { time: '2026-05-11T07:00' } ]
    expect: { tasks: [] }
  - why: as above, in the last hours
    story: [ { time: '2026-05-03T10:00' }, { born: '1946-05-06' }, { medication: '11289', at: '2026-05-10T10:00' } ]
    expect: { tasks: [ { rule: review } ] }
  - why: the fifth of October, for those who are 75
    story: [ { time: '2026-10-04T12:00' }, { time: '2026-10-05T12:00' } ]
    expect: { tasks: [ { rule: flu } ] }
  - why: who turns 75 on that day is one of them
    story: [ { time: '2026-10-04T12:00' }, { born: '1951-10-05' }, { time: '2026-10-05T12:00' } ]
    expect: { tasks: [ { rule: flu } ] }
  - why: and nobody younger
    story: [ { time: '2026-10-04T12:00' }, { born: '1951-10-06' }, { time: '2026-10-05T12:00' } ]
    expect: { tasks: [] }
  - why: who joins four days later is not asked
    story: [ { time: '2026-10-08T12:00' } ]
    expect: { tasks: [] }
  - why: who joins three days later is
    story: [ { time: '2026-10-07T12:00' } ]
    expect: { tasks: [ { rule: flu } ] }
  - why: what ends in the evening is called about at once, until a quarter past seven
    story: [ { ed-arrival: '2026-05-04T17:00' }, { ed-discharge: '2026-05-04T19:14' } ]
    expect: { tasks: [ { rule: call, due: '2026-05-05T01:14' } ] }
  - why: what ends later is owed in the morning, and its hours count from then
    story: [ { ed-arrival: '2026-05-04T17:00' }, { ed-discharge: '2026-05-04T19:15' }, { time: '2026-05-05T06:45' } ]
    expect: { tasks: [ { rule: call, owner: Lakeside Family Practice, due: '2026-05-05T12:45', text: in quiet hours } ] }
  - why: before that it is owed by nobody
    story: [ { ed-arrival: '2026-05-04T17:00' }, { ed-discharge: '2026-05-04T19:15' }, { time: '2026-05-05T06:44' } ]
    expect: { tasks: [], wake: '2026-05-05T06:45' }
  - why: a routine step waits for the morning
    story: [ { ed-arrival: '2026-05-04T08:00' }, { ed-discharge: '2026-05-04T11:00' }, { time: '2026-05-04T21:59' } ]
    expect: { tasks: [ { rule: call, priority: routine, owner: Lakeside Family Practice } ], wake: '2026-05-04T22:00' }
  - why: one that comes by day comes at its hour
    story: [ { ed-arrival: '2026-05-04T05:00' }, { ed-discharge: '2026-05-04T06:50' }, { time: '2026-05-04T15:49' } ]
    expect: { tasks: [ { rule: call, owner: Lakeside Family Practice } ], wake: '2026-05-04T15:50' }
  - why: what happened by day and becomes known at night waits as well, and its hours count as they would have
    story: [ { time: '2026-05-04T09:00' }, { ed-arrival: '2026-05-04T08:00', at: '2026-05-04T23:00' }, { ed-discharge: '2026-05-04T18:00', at: '2026-05-04T23:00' } ]
    expect: { tasks: [], wake: '2026-05-05T06:45' }
  - why: an urgent one does not
    story: [ { ed-arrival: '2026-05-04T08:00' }, { ed-discharge: '2026-05-04T11:00' }, { time: '2026-05-04T22:00' } ]
    expect: { tasks: [ { rule: call, priority: asap } ] }
";

#[test]
fn what_else_the_language_asks_goes_as_written_and_no_number_is_free() {
    let source = Source::new("protocols/language.yaml", FILE);
    let (set, problems) = ProtocolSet::built_in().with_file(&source);
    assert!(problems.is_empty(), "{problems:?}");
    let failed: Vec<String> = set
        .unwrap()
        .run_examples()
        .into_iter()
        .filter(|result| !result.failures.is_empty())
        .map(|result| format!("{} {}\n    {}", result.place, result.why, result.failures.join("\n    ")))
        .collect();
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
    let calendars: Vec<Source> =
        built_in_protocols().into_iter().filter(|source| source.name.contains("calendars/")).collect();
    let sets = Arc::new(ValueSets::compile(&crate::fhir::built_in_value_sets()).0);
    let all = mutants(&source);
    let missed: Vec<String> =
        all.iter().filter(|mutant| !mutant.is_noticed(&calendars, &sets)).map(|mutant| mutant.what.clone()).collect();
    assert!(all.len() > 20 && missed.is_empty(), "{} of {}\n{}", missed.len(), all.len(), missed.join("\n"));
}

#[test]
fn faults_of_the_new_words_say_what_to_write() {
    let told = |rule: &str| {
        let text = format!("protocol: x\ntitle: X\n{rule}\n");
        let (_, problems) = ProtocolSet::built_in().with_file(&Source::new("protocols/x.yaml", text.as_str()));
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let task = |when: &str| format!("tasks:\n  - {{ id: a, title: A, text: A., when: {when} }}");
    for (rule, expected) in [
        (task("{ date: { day: 13-01 } }"), "month first: `day: 10-01`"),
        (task("{ date: { day: 02-30 } }"), "month first"),
        (task("{ date: { day: easter } }"), "`day: birthday`"),
        (task("{ consent: { becomes: maybe } }"), "given"),
        (task("{ condition: { valueset: asthma, becomes: over } }"), "resolved"),
        (task("{ condition: { becomes: resolved } }"), "name a `valueset` or list `codes`"),
        (task("{ transfer: { class: ward } }"), "`ward` is not one of"),
        (task("{ moved: {} }"), "transfer"),
        (
            format!("quiet-hours: {{ from: '8 pm', to: '07:00' }}\n{}", task("{ date: { day: birthday } }")),
            "written like '20:00'",
        ),
        (
            format!("quiet-hours: {{ from: '07:00', to: '07:00' }}\n{}", task("{ date: { day: birthday } }")),
            "end at another time",
        ),
        (format!("quiet-hours: {{ from: '07:00' }}\n{}", task("{ date: { day: birthday } }")), "`to`"),
    ] {
        let told = told(&rule);
        assert!(told.contains(expected), "{rule}\n{told}");
    }
    assert_eq!(told(&task("{ date: { day: 02-29 } }")), "");
}
