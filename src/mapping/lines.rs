//! The lines of a map set by which messages are read, and which of them gave anything: for whoever asks what a feed's traffic touches.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::MapSet;
use super::language::{Body, Expression, Template};
use crate::yaml::Mark;

/// A line of a file, from 1.
pub type Line = (Arc<str>, u32);

/// What a line fills: the map's name and the element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapLine {
    pub map: String,
    /// Below the map's type: `name.family`.
    pub element: String,
}

/// What messages can touch: the lines that read something of them, and those of the rows of the tables that these ask.
#[derive(Debug, Clone, Default)]
pub struct MapLines {
    pub lines: BTreeMap<Line, MapLine>,
    /// By their table's name.
    pub rows: BTreeMap<Line, String>,
}

impl MapSet {
    /// What messages of the events that are taken can touch. Constants, and references to what another map made, read nothing.
    pub fn map_lines(&self, takes: impl Fn(&str, &str) -> bool) -> MapLines {
        let taken = self.messages.iter().filter(|one| one.events.iter().any(|(code, event)| takes(code, event)));
        let mut walk = Walk::default();
        for message in taken {
            walk.open.extend(message.uses.iter().map(|one| one.map));
            walk.open.extend(message.merge.as_ref().map(|rule| rule.map));
        }
        let mut seen = BTreeSet::new();
        while let Some(index) = walk.open.pop() {
            if let Some(map) = self.map(index).filter(|_| seen.insert(index)) {
                walk.template(&map.template, &map.name, "");
            }
        }
        let tables = walk.tables.iter().filter_map(|table| self.tables.get(*table));
        let rows = tables.flat_map(|table| table.codes.values().map(|row| (line(&row.mark), table.name.clone())));
        MapLines { rows: rows.collect(), lines: walk.lines }
    }
}

pub(super) fn line(mark: &Mark) -> Line {
    (Arc::clone(&mark.file), mark.line)
}

#[derive(Default)]
struct Walk {
    lines: BTreeMap<Line, MapLine>,
    tables: BTreeSet<usize>,
    /// Maps that are still to be gone through.
    open: Vec<usize>,
}

impl Walk {
    fn template(&mut self, template: &Template, map: &str, path: &str) {
        for entry in &template.entries {
            let element = if path.is_empty() { entry.name.clone() } else { format!("{path}.{}", entry.name) };
            entry.ways.iter().for_each(|way| self.way(way, map, &element));
        }
    }

    fn way(&mut self, way: &Expression, map: &str, element: &str) {
        if !matches!(way.body, Body::Fixed(_) | Body::Reference { .. }) {
            let told = || MapLine { map: map.to_string(), element: element.to_string() };
            self.lines.entry(line(&way.mark)).or_insert_with(told);
        }
        match &way.body {
            Body::Datatype { map, .. } | Body::Resource { map, .. } => self.open.push(*map),
            Body::Nested(template) => self.template(template, map, element),
            Body::First(ways) => ways.iter().for_each(|way| self.way(way, map, element)),
            Body::Table { table, .. } => _ = self.tables.insert(*table),
            // Nothing lost: the others hold no further lines.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hl7::{Message, ReadOptions};
    use crate::mapping::{Authorities, Context, Habits, Layers, compile};

    #[test]
    fn a_line_that_gave_something_is_touched_and_one_whose_field_is_empty_is_not() {
        let (set, _) = compile(&Layers::built_in());
        let raw = b"MSH|^~\\&|A|B|C|D|20260302140000||ADT^A08^ADT_A01|1|P|2.5.1\rEVN||20260302140000\r\
            PID|1||4711^^^RIVERSIDE^MR||Okafor^Rosalind||19580314|F\rPV1|1|E\r";
        let message = Message::parse(raw.as_slice(), &ReadOptions::default()).message.unwrap();
        let context = Context {
            zone: &jiff::tz::TimeZone::UTC,
            authorities: &Authorities::default(),
            habits: &Habits::default(),
            received: jiff::Timestamp::UNIX_EPOCH,
        };
        let (mapped, touched) = set.apply_touching(&message, &context);
        assert_eq!(mapped.drafts.len(), set.apply(&message, &context).drafts.len());
        let MapLines { lines, rows } = set.map_lines(|code, event| (code, event) == ("ADT", "A08"));
        let of = |element: &str| {
            let found = lines.iter().filter(|(_, told)| told.map == "PID-Patient" && told.element == element);
            found.map(|(line, _)| touched.contains(line)).collect::<Vec<_>>()
        };
        assert_eq!(of("birthDate"), [true]);
        assert!(of("name").contains(&true), "a line that calls another map gives what that gives");
        assert!(!of("deceasedDateTime").is_empty() && !of("deceasedDateTime").contains(&true));
        let touched_rows: BTreeSet<&str> =
            rows.iter().filter(|(line, _)| touched.contains(*line)).map(|(_, table)| table.as_str()).collect();
        assert!(touched_rows.contains("patient-class"), "{touched_rows:?}");
        let is_allergy = |told: &MapLine| told.map == "AL1-AllergyIntolerance";
        let results = set.map_lines(|code, _| code == "ORU").lines;
        assert!(lines.values().any(is_allergy) && !results.values().any(is_allergy), "only what is reached");
        assert!(set.map_lines(|_, _| false).lines.is_empty());
    }
}
