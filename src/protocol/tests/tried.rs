//! A protocol tried on records that are there: when things would have been made, for whom, and why others would not.

use serde_json::json;

use crate::fhir::{Identifier, Resource};
use crate::identity::{PersonId, ResourceId};
use crate::protocol::set::ProtocolSet;
use crate::protocol::trial::{Made, Tally, Window};
use crate::protocol::view::Practice;
use crate::record::{Membership, Record, State, Stored};
use crate::yaml::Source;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

const FILE: &str = "
protocol: falls
title: Falls
for: { age: { from: 65 } }
prompts:
  - { id: fear, ask: Afraid of falling?, show: every-visit, answers: { afraid: 365 d, unafraid: 365 d } }
tasks:
  - { id: call, title: Call, text: Call., owner: practice, due: 2 business days, lapses: 5 d, when: { discharge: { class: emergency } } }
  - { id: stay, title: Stay, text: Stay., when: { discharge: { class: stay, reason: { codes: [icd10cm S72.001A] } } } }
  - { id: often, title: Often, text: Often., when: { count: { class: emergency, at-least: 4, within: 365 d } } }
  - { id: quiet, title: Quiet, text: Quiet., when: { silence: { of: { codes: [loinc 29463-7] }, for: 10 d } } }
  - { id: fearful, title: Fearful, text: Fearful., when: { answer: { prompt: fear, is: afraid } } }
alerts:
  - id: thin
    title: Weight
    text: Weight of {patient}.
    series: [ { name: weight, code: { codes: [loinc 29463-7] }, unit: kg, plausible: { from: 20, to: 300 }, warn: { below: 45 }, clear: { at-least: 46 } } ]
    warn: { readings: 1 of 1, within: 30 d, respond: 2 d, chain: [ { owner: coach } ] }
    escalate: { readings: 1 of 1, within: 30 d, respond: 2 d, chain: [ { owner: coach } ] }
    clear-readings: 1
examples:
  - why: nothing comes of nothing
    story: [ { time: '2026-03-02T09:00' } ]
    expect: { tasks: [] }
";

fn set() -> ProtocolSet {
    let source = Source::new("protocols/falls.yaml", FILE);
    let (set, problems) = ProtocolSet::built_in().with_file(&source);
    let errors: Vec<_> = problems.iter().filter(|problem| problem.is_error()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    set.unwrap()
}

fn record(number: &str, born: &str, all: &[Value]) -> (Record, Vec<Membership>) {
    let identifier = Identifier::new("urn:test:mrn", number);
    let person = PersonId::of(&identifier);
    let mut record = Record::new(person);
    let patient =
        json!({ "resourceType": "Patient", "birthDate": born, "name": [{ "text": format!("Pat {number}") }] });
    for (place, content) in std::iter::once(&patient).chain(all).enumerate() {
        let kind = content["resourceType"].as_str().unwrap();
        let mut resource = Resource::new(kind);
        content.as_object().unwrap().iter().for_each(|(element, value)| resource.set(element, value.clone()));
        let id = match kind {
            "Patient" => ResourceId::patient(person),
            _ => ResourceId::of(person, kind, &place.to_string()),
        };
        // All of it was written in one night, long after.
        let updated = "2026-06-30T22:00:00Z".parse().unwrap();
        record.resources.put(Stored { id, version: 1, updated, resource, state: State::default() });
    }
    (record, vec![Membership::new("north", vec![identifier])])
}

fn visit(class: &str, start: &str, end: &str) -> Value {
    json!({ "resourceType": "Encounter", "status": "finished", "class": { "code": class }, "period": { "start": start, "end": end } })
}

fn weight(at: &str, kilograms: f64) -> Value {
    json!({ "resourceType": "Observation", "status": "final", "code": { "coding": [{ "system": "http://loinc.org", "code": "29463-7" }] },
        "effectiveDateTime": at, "valueQuantity": { "value": kilograms, "code": "kg", "system": "http://unitsofmeasure.org" } })
}

fn tried(records: &[(Record, Vec<Membership>)]) -> Tally {
    let set = set();
    let practice = Practice {
        name: "north".to_string(),
        title: "North Clinic".to_string(),
        identifier: None,
        zone: jiff::tz::TimeZone::get("America/Denver").unwrap(),
        calendar: Some("us-federal".to_string()),
        roles: BTreeMap::new(),
    };
    let practices = BTreeMap::from([("north".to_string(), practice)]);
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let window = Window { since: at("2026-03-01T07:00:00Z"), until: at("2026-04-30T06:00:00Z"), listed: 1 };
    let mut tally = Tally::of(&set.protocols()[0]);
    for (record, memberships) in records {
        set.try_on(record, memberships, &practices, window, &mut tally);
    }
    tally
}

fn of<'t>(tally: &'t Tally, rule: &str) -> &'t Made {
    tally.rules.iter().find(|made| made.rule == rule).unwrap()
}

fn weeks(counts: &BTreeMap<jiff::civil::Date, usize>) -> Vec<(String, usize)> {
    counts.iter().map(|(week, count)| (week.to_string(), *count)).collect()
}

#[test]
fn each_thing_is_made_in_its_week_whenever_it_was_written() {
    let old = record(
        "1",
        "1940-02-02",
        &[
            // Before the window, though still owed when it begins.
            visit("EMER", "2026-02-27T10:00:00-07:00", "2026-02-27T14:00:00-07:00"),
            // Sunday night there, Monday in UTC.
            visit("EMER", "2026-03-08T20:00:00-06:00", "2026-03-08T23:30:00-06:00"),
            visit("EMER", "2026-04-01T10:00:00-06:00", "2026-04-01T11:00:00-06:00"),
            visit("AMB", "2026-04-03T10:00:00-06:00", "2026-04-03T10:20:00-06:00"),
            weight("2026-03-02T15:00:00Z", 44.0),
            weight("2026-03-03T15:00:00Z", 46.5),
            weight("2026-03-20T15:00:00Z", 47.0),
        ],
    );
    let young = record("2", "1999-02-02", &[visit("EMER", "2026-03-08T20:00:00-06:00", "2026-03-08T23:30:00-06:00")]);
    let tally = tried(&[old, young]);
    assert_eq!((tally.records, tally.people), (2, 1));
    let call = of(&tally, "call");
    assert_eq!((call.before, call.made, call.people, call.open), (1, 2, 1, 0), "all lapsed");
    assert_eq!(weeks(&call.weeks), [("2026-03-02".to_string(), 1), ("2026-03-30".to_string(), 1)]);
    assert_eq!((call.listed[0].name.as_str(), call.listed[0].times), ("Pat 1", 2));
    // The question was there when the window began, and came up at the one visit.
    let fear = of(&tally, "fear");
    assert_eq!((fear.before, fear.made, weeks(&fear.cards)), (1, 0, vec![("2026-03-30".to_string(), 1)]));
    // Ten days after the second and after the last weight.
    assert_eq!(weeks(&of(&tally, "quiet").weeks), [("2026-03-09".to_string(), 1), ("2026-03-30".to_string(), 1)]);
    assert_eq!(weeks(&of(&tally, "thin").weeks), [("2026-03-02".to_string(), 1)]);
    assert_eq!(of(&tally, "thin").open, 0, "it was back in range the next day");
}

#[test]
fn why_a_rule_made_nothing_is_said_with_the_nearest_miss() {
    let one = record(
        "1",
        "1940-02-02",
        &[
            visit("EMER", "2026-03-08T20:00:00-06:00", "2026-03-08T23:30:00-06:00"),
            visit("EMER", "2026-03-18T20:00:00-06:00", "2026-03-18T23:30:00-06:00"),
            visit("IMP", "2026-03-19T20:00:00-06:00", "2026-03-20T23:30:00-06:00"),
            weight("2026-04-22T15:00:00Z", 46.0),
            weight("2026-04-25T15:00:00Z", 50.0),
        ],
    );
    let tally = tried(&[one]);
    let why = |rule: &str| {
        let made = of(&tally, rule);
        assert!(made.never_fired(), "{made:?}");
        made.why()
    };
    assert_eq!(
        why("stay"),
        "1 hospital stay, stay in a facility, observation stay or short stay, of these 0 hospital stay, stay in a facility, observation stay or short stay for icd10cm S72.001A"
    );
    assert_eq!(
        why("often"),
        "2 emergency visit, of these 0 by which there were 4 within 365 days; nearest: 2 within 365 days, asked is 4"
    );
    assert_eq!(
        why("quiet"),
        "1 who ever had loinc 29463-7, of these 0 who had none for 10 days; nearest: none for 4 days, asked is 10 days"
    );
    assert_eq!(
        why("thin"),
        "2 readings of weight in the window, of these 0 beyond a bound; nearest: weight 46 kg, asked is below 45 kg"
    );
    assert!(why("fearful").contains("in a trial nobody answers"), "{}", why("fearful"));
}
