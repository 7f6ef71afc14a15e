//! Whatever a message says becomes something, decides something, is complained of, or is listed as unread: on random
//! messages, on our own, and on other people's.

use std::path::PathBuf;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::tests::{SET, authorities, map};
use crate::hl7::{Batch, Message, ReadOptions, Span, Value};
use crate::mapping::{Context, Habits, Mapped, Role};
use crate::problem::{FieldPlace, Place};

/// Everything simple that the message says, apart from what asks to delete.
fn leaves(message: &Message) -> Vec<Value<'_>> {
    let fields = message.segments().flat_map(|segment| segment.fields().collect::<Vec<_>>());
    let simple = fields
        .flat_map(Value::repetitions)
        .flat_map(Value::components)
        .flat_map(Value::subcomponents)
        .filter(|value| !value.is_empty() && !value.is_null());
    simple.collect()
}

fn is_within(outer: &FieldPlace, inner: &FieldPlace) -> bool {
    let agrees = |outer: u16, inner: u16| outer == 0 || outer == inner;
    (&outer.segment, outer.occurrence, outer.field) == (&inner.segment, inner.occurrence, inner.field)
        && agrees(outer.repetition, inner.repetition)
        && agrees(outer.component, inner.component)
        && agrees(outer.subcomponent, inner.subcomponent)
}

fn covers(outer: Span, inner: Span) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// What is neither noted, unread, complained of nor declared; and what is unread although it became something.
fn unaccounted(message: &Message, mapped: &Mapped) -> Vec<String> {
    let header = message.header();
    let Some(map) = SET.message_map(&header.message_code(), &header.trigger_event()) else { return Vec::new() };
    let is_declared = |place: &FieldPlace| {
        let named = |path: &crate::mapping::language::SourcePath| path.segment() == Some(&place.segment);
        map.bookkeeping.iter().any(|path| named(path) && (path.field == 0 || path.field == place.field))
    };
    let mut faults = Vec::new();
    for leaf in leaves(message) {
        let place = leaf.place();
        let noted = mapped.lineage.iter().any(|note| note.role != Role::Parts && covers(note.span, leaf.span()));
        let unread = mapped.unread.iter().any(|unread| is_within(&unread.place, &place));
        let complained = mapped.problems.iter().any(|problem| match &problem.place {
            Place::Field(field) => field.field > 0 && is_within(field, &place),
            _ => false,
        });
        if !noted && !unread && !complained && !is_declared(&place) {
            faults.push(format!("{place} went nowhere"));
        }
        if noted && unread {
            faults.push(format!("{place} is called unread, but it became something"));
        }
    }
    faults
}

fn assert_accounted(name: &str, text: &[u8]) {
    let Some(message) = Message::parse(text, &ReadOptions::default()).message else { return };
    let (zone, authorities) = (TimeZone::get("America/Los_Angeles").unwrap(), authorities());
    let habits = Habits::default();
    let received = Timestamp::UNIX_EPOCH;
    let context = Context { zone: &zone, authorities: &authorities, habits: &habits, received };
    let mapped = SET.apply(&message, &context);
    let faults = unaccounted(&message, &mapped);
    assert!(faults.is_empty(), "{name}: {faults:#?}\n{}", String::from_utf8_lossy(text).replace('\r', "\n"));
}

/// A small generator that gives the same numbers everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, number: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % number
    }
}

const WORDS: &[&str] = &[
    "F",
    "M",
    "N",
    "Y",
    "E",
    "P",
    "D",
    "A",
    "W",
    "L",
    "PP",
    "NPI",
    "LN",
    "I10C",
    "RIVERSIDE",
    "ELSEWHERE",
    "1.2.840.99",
    "ISO",
    "MR",
    "VN",
    "PRN",
    "CP",
    "PH",
    "Internet",
    "H",
    "BA",
    "20260301",
    "20260301101500",
    "20260230",
    "Doe",
    "Jane",
    "J44.1",
    "59408-5",
    "86",
    "<5",
    "%",
    "mm[Hg]",
    "NM",
    "ST",
    "CWE",
    "SN",
    "TX",
    "SAD & street",
    "2106-3",
    "2034-7",
    "UNK",
    "eng",
    "NKDA",
    "No known allergies",
    "\"\"",
    "SPO",
    "99LOCAL",
    "HL70001",
    "x",
    "free text \\T\\ more",
    "1",
];

fn random(dice: &mut Dice, event: &str) -> String {
    let mut text = format!("MSH|^~\\&|ADT|RIVERSIDE|||20260301||{event}|1|P|2.5.1\rEVN||20260301\r");
    let names = [
        "PID", "PD1", "NK1", "PV1", "PV2", "DG1", "AL1", "IN1", "OBR", "OBX", "NTE", "ROL", "PRT", "MRG", "ZAB", "GT1",
    ];
    for _ in 0..8 {
        text.push_str(names[dice.below(names.len())]);
        for _ in 0..dice.below(52) {
            text.push('|');
            while dice.below(5) < 3 {
                text.push_str(WORDS[dice.below(WORDS.len())]);
                text.push(['^', '^', '^', '&', '~'][dice.below(5)]);
            }
        }
        text.push('\r');
    }
    text
}

#[test]
fn nothing_of_a_random_message_goes_nowhere() {
    let mut dice = Dice(20_260_301);
    for round in 0..600 {
        let event = ["ADT^A01", "ADT^A03", "ADT^A08", "ADT^A31", "ADT^A40", "ORU^R01"][round % 6];
        assert_accounted(&format!("round {round}"), random(&mut dice, event).as_bytes());
    }
}

#[test]
fn nothing_of_our_own_and_other_peoples_messages_goes_nowhere() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("fixtures/messages"), root.join("fixtures/messages/odd")];
    // Other people's messages, where they are at hand.
    folders.extend(["samples", "quirks"].map(|name| root.join("../shared/corpus/hl7").join(name)));
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.ends_with("odd") {
                folders.push(path.clone());
            }
            if path.extension().is_none_or(|ending| ending != "hl7") {
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            for span in Batch::split(&bytes).messages {
                assert_accounted(&path.display().to_string(), span.of(&bytes));
                count += 1;
            }
        }
    }
    assert!(count >= 15, "only {count} messages");
}

#[test]
fn what_a_condition_merely_looked_at_is_unread() {
    let of = |obx: &str| {
        let mapped = map(&format!(
            "MSH|^~\\&|LAB|RIVERSIDE|||20260301||ORU^R01^ORU_R01|1|P|2.5.1\nPID|1||4711^^^RIVERSIDE\nOBR|1||F1\n{obx}\n"
        ));
        mapped.unread.iter().map(|unread| unread.place.to_string()).collect::<Vec<_>>()
    };
    // Nothing is made of a result without a code, so that nothing of it is read.
    assert!(of("OBX|1|ST|||Lungs clear||||||F").contains(&"OBX-5".to_string()));
    assert!(of("OBX|1|ST|||Lungs clear||||||F").contains(&"OBX-11".to_string()));
}

#[test]
fn a_value_that_a_condition_found_became_what_the_way_says() {
    let mapped = map(
        "MSH|^~\\&|ADT|RIVERSIDE|||20260301||ADT^A08|1|P|2.5.1\nPID|1||4711^^^RIVERSIDE\nPV1|1|N\nDG1|1||J44.1^COPD^I10C|||F\n",
    );
    let places: Vec<String> = mapped.unread.iter().map(|unread| unread.place.to_string()).collect();
    assert_eq!(places, ["PV1-2"]);
    let reason = mapped.lineage.iter().find(|note| note.role == Role::Reason).unwrap();
    assert_eq!((reason.element.as_str(), reason.place.to_string().as_str()), ("verificationStatus", "DG1-6.1.1"));
}
