//! How often each line and each field was touched, with a message that shows it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::hl7::Message;
use crate::mapping::{Line, Mapped, Role};
use crate::problem::FieldPlace;

/// Places of fields that are told apart; a sender whose messages have more sends no HL7.
const MOST_PLACES: usize = 5_000;

/// In how many messages, and one of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    pub messages: u64,
    /// The newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<u64>,
}

/// A line of a map: what it fills, and where it gave something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineSeen {
    pub map: String,
    pub element: String,
    pub seen: Seen,
}

/// A field or a part of one: in how many messages it became or decided something, and in how many it went nowhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldSeen {
    pub used: Seen,
    pub unused: Seen,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    pub messages: u64,
    /// Not looked at, by why.
    pub left_out: BTreeMap<String, u64>,
    /// Messages by event.
    pub events: BTreeMap<String, u64>,
    /// By file and line; those that gave nothing are among them.
    pub lines: BTreeMap<String, BTreeMap<u32, LineSeen>>,
    /// Rows of the tables that these ask, and those of them that a code was found by.
    pub rows: BTreeMap<String, BTreeMap<u32, LineSeen>>,
    /// By place, without occurrence and repetition: `PID-5.1`.
    pub fields: BTreeMap<String, FieldSeen>,
    /// By name: in how many messages something of it was used, and in how many it was sent and nothing was.
    #[serde(default)]
    pub segments: BTreeMap<String, FieldSeen>,
    /// Places beyond those that are told apart.
    pub more_places: u64,
}

impl Seen {
    /// Messages come newest first.
    fn add(&mut self, message: u64) {
        self.messages += 1;
        self.example.get_or_insert(message);
    }

    fn join(&mut self, older: Self) {
        self.messages += older.messages;
        self.example = self.example.or(older.example);
    }
}

impl Coverage {
    pub(super) fn leave_out(&mut self, why: &str) {
        *self.left_out.entry(why.to_string()).or_default() += 1;
    }

    /// Counts what one message touched.
    pub(super) fn count(&mut self, sequence: u64, message: &Message, mapped: &Mapped, touched: &BTreeSet<Line>) {
        self.messages += 1;
        let header = message.header();
        let event = format!("{}^{}", header.message_code(), header.trigger_event());
        *self.events.entry(event).or_default() += 1;
        for (file, line) in touched {
            for known in [&mut self.lines, &mut self.rows] {
                if let Some(told) = known.get_mut(&**file).and_then(|lines| lines.get_mut(line)) {
                    told.seen.add(sequence);
                }
            }
        }
        let of_value = || mapped.lineage.iter().filter(|note| note.role != Role::Parts);
        let used: BTreeSet<String> = of_value().flat_map(|note| with_wholes(&note.place)).collect();
        let unused: BTreeSet<String> = mapped.unread.iter().map(|unread| place(&unread.place)).collect();
        let of_used: BTreeSet<&str> = of_value().map(|note| note.place.segment.as_str()).collect();
        let mut of_unused: BTreeSet<&str> = mapped.unread.iter().map(|unread| unread.place.segment.as_str()).collect();
        // Nothing lost: of these something was used, and what was not is told by its field.
        of_unused.retain(|name| !of_used.contains(name));
        let Self { fields, segments, more_places, .. } = self;
        used.into_iter().for_each(|name| one(fields, name, more_places, |field| field.used.add(sequence)));
        unused.into_iter().for_each(|name| one(fields, name, more_places, |field| field.unused.add(sequence)));
        of_used.into_iter().for_each(|name| one(segments, name.into(), more_places, |of| of.used.add(sequence)));
        of_unused.into_iter().for_each(|name| one(segments, name.into(), more_places, |of| of.unused.add(sequence)));
    }

    /// Leaves out the lines that nothing touched: an answer before has told of them.
    pub(super) fn only_touched(&mut self) {
        for known in [&mut self.lines, &mut self.rows] {
            // Nothing lost: the first part of the answer has all lines.
            known.values_mut().for_each(|lines| lines.retain(|_, told| told.seen.messages > 0));
        }
    }

    /// Adds what an earlier part of the messages touched.
    pub fn add(&mut self, older: Self) {
        self.messages += older.messages;
        self.more_places += older.more_places;
        for (all, more) in [(&mut self.left_out, older.left_out), (&mut self.events, older.events)] {
            more.into_iter().for_each(|(key, count)| *all.entry(key).or_default() += count);
        }
        for (all, more) in [(&mut self.lines, older.lines), (&mut self.rows, older.rows)] {
            for (file, lines) in more {
                let known = all.entry(file).or_default();
                for (line, told) in lines {
                    match known.get_mut(&line) {
                        Some(known) => known.seen.join(told.seen),
                        None => _ = known.insert(line, told),
                    }
                }
            }
        }
        for (all, more) in [(&mut self.fields, older.fields), (&mut self.segments, older.segments)] {
            for (name, told) in more {
                one(all, name, &mut self.more_places, |field| {
                    field.used.join(told.used);
                    field.unused.join(told.unused);
                });
            }
        }
    }

    /// Fields that were sent and went nowhere, with how often they were used elsewhere; those that never were first, the most frequent
    /// of each before others.
    pub fn unused(&self) -> Vec<(&str, FieldSeen)> {
        unused_of(&self.fields)
    }

    /// The same of segments: of those told first nothing was ever used.
    pub fn unused_segments(&self) -> Vec<(&str, FieldSeen)> {
        unused_of(&self.segments)
    }
}

fn unused_of(all: &BTreeMap<String, FieldSeen>) -> Vec<(&str, FieldSeen)> {
    let unused = all.iter().filter(|(_, field)| field.unused.messages > 0);
    let mut unused: Vec<(&str, FieldSeen)> = unused.map(|(name, field)| (name.as_str(), *field)).collect();
    unused.sort_by_key(|(name, field)| {
        (field.used.messages > 0, std::cmp::Reverse(field.unused.messages), name.to_string())
    });
    unused
}

fn one(all: &mut BTreeMap<String, FieldSeen>, name: String, more: &mut u64, count: impl FnOnce(&mut FieldSeen)) {
    // Nothing lost: how many there are beyond is counted and told.
    if all.len() >= MOST_PLACES && !all.contains_key(&name) {
        *more += 1;
    } else {
        count(all.entry(name).or_default());
    }
}

/// A place as all messages have it.
fn place(place: &FieldPlace) -> String {
    FieldPlace { occurrence: 1, repetition: 1, ..place.clone() }.to_string()
}

/// The place and what it is a part of: of a field of which a part is used, something is.
fn with_wholes(of: &FieldPlace) -> [String; 3] {
    let component = FieldPlace { subcomponent: 0, ..of.clone() };
    let field = FieldPlace { component: 0, ..component.clone() };
    [place(of), place(&component), place(&field)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(messages: u64, example: u64) -> Seen {
        Seen { messages, example: Some(example) }
    }

    fn at(segment: &str, occurrence: u16, field: u16, repetition: u16, component: u16) -> FieldPlace {
        FieldPlace { segment: segment.to_string(), occurrence, field, repetition, component, subcomponent: 0 }
    }

    #[test]
    fn a_place_is_the_same_in_every_segment_and_repetition_and_its_wholes_are_used_with_it() {
        assert_eq!(place(&at("OBX", 3, 5, 2, 1)), "OBX-5.1");
        assert_eq!(with_wholes(&at("PID", 1, 5, 1, 2)), ["PID-5.2", "PID-5.2", "PID-5"]);
    }

    #[test]
    fn parts_add_up_with_the_newest_example_and_what_was_never_used_comes_first() {
        let mut all = Coverage { messages: 2, ..Coverage::default() };
        all.fields.insert("PID-2".to_string(), FieldSeen { unused: seen(1, 9), ..FieldSeen::default() });
        all.fields.insert("PID-3".to_string(), FieldSeen { unused: seen(9, 9), used: seen(2, 9) });
        all.fields.insert("PID-5".to_string(), FieldSeen { used: seen(2, 9), ..FieldSeen::default() });
        let line = |messages| LineSeen {
            map: "PID-Patient".into(),
            element: "name".into(),
            seen: Seen { messages, example: None },
        };
        all.lines.entry("a.yaml".into()).or_default().insert(3, line(0));
        let mut older = Coverage { messages: 3, ..Coverage::default() };
        older.fields.insert("PID-2".to_string(), FieldSeen { unused: seen(3, 4), ..FieldSeen::default() });
        older.fields.insert("ZID-1".to_string(), FieldSeen { unused: seen(5, 4), ..FieldSeen::default() });
        older.lines.entry("a.yaml".into()).or_default().insert(3, LineSeen { seen: seen(2, 4), ..line(0) });
        all.add(older);
        assert_eq!((all.messages, all.lines["a.yaml"][&3].seen), (5, seen(2, 4)));
        let told: Vec<(&str, u64, Option<u64>)> =
            all.unused().into_iter().map(|(name, field)| (name, field.unused.messages, field.unused.example)).collect();
        assert_eq!(told, [("ZID-1", 5, Some(4)), ("PID-2", 4, Some(9)), ("PID-3", 9, Some(9))]);
    }
}
