//! The order of steps in which a map set is applied to a message.

use std::collections::BTreeSet;

use crate::hl7::Message;
use crate::mapping::language::{Map, MapKind, MessageMap, Use};
use crate::mapping::{Context, Line, MapSet, Mapped, Merge, Role, Unread};
use crate::problem::{Category, FieldPlace, Place, Problem};

use super::event;
use super::run::{Frame, Run};

impl MapSet {
    /// Makes drafts of a message. Always ends, never panics; a message of an event that is not covered gives one problem.
    pub fn apply(&self, message: &Message, context: &Context<'_>) -> Mapped {
        apply(Run::new(self, message, context)).0
    }

    /// The same, with the lines of maps and tables that gave something.
    pub fn apply_touching(&self, message: &Message, context: &Context<'_>) -> (Mapped, BTreeSet<Line>) {
        let (mapped, touched) = apply(Run { touched: Some(BTreeSet::new()), ..Run::new(self, message, context) });
        (mapped, touched.unwrap_or_default())
    }
}

/// Applies the run's set to its message.
fn apply(mut run: Run<'_>) -> (Mapped, Option<BTreeSet<Line>>) {
    let (set, message) = (run.set, run.message);
    let event = event::read(&mut run);
    let header = message.header();
    let merges = match set.message_map(&header.message_code(), &header.trigger_event()) {
        Some(map) => run.whole(map),
        None => {
            let place = Place::Field(FieldPlace::field("MSH", 1, 9));
            let text = "no mapping covers this message type and event; add a file to mappings/messages/";
            run.problems.push(Problem::error(Category::NotSupported, place, text));
            Vec::new()
        }
    };
    run.sweep();
    run.count_faults();
    let unread = run.unread();
    let mapped = Mapped {
        event,
        drafts: run.made.into_iter().map(|made| made.draft).collect(),
        merges,
        lineage: run.lineage,
        unread,
        unmapped: run.unmapped,
        problems: run.problems,
    };
    (mapped, run.touched)
}

impl<'a> Run<'a> {
    fn whole(&mut self, map: &'a MessageMap) -> Vec<Merge> {
        for path in &map.bookkeeping {
            for segment in self.structure.everywhere(path) {
                self.mark_known(path, segment);
            }
        }
        for each in &map.uses {
            for segment in self.structure.everywhere(&each.from) {
                self.one_use(each, segment);
            }
        }
        self.label_all(map);
        map.merge.as_ref().map(|rule| event::merges(self, rule)).unwrap_or_default()
    }

    fn one_use(&mut self, each: &'a Use, segment: usize) {
        let frame = Frame { segment, this: None };
        if !each.when.as_ref().is_none_or(|condition| self.holds(condition, frame)) {
            return;
        }
        // Nothing lost: the compiler resolved every map.
        let Some(map) = self.set.map(each.map) else { return };
        match each.into {
            None => {
                if self.make(each.map, map, frame).is_some() {
                    self.notices(map, frame);
                }
            }
            Some(target) => {
                if let Some(made) = self.near(target, segment).first().copied() {
                    self.add_to(made, map, frame);
                    self.notices(map, frame);
                }
            }
        }
    }

    /// What went nowhere: all that the message says, without what became something, decided something, or stands in a
    /// problem. What was read for an element that was not made is not read.
    fn unread(&mut self) -> Vec<Unread> {
        for note in self.lineage.iter().filter(|note| note.role != Role::Parts) {
            self.read.mark(note.span);
        }
        self.read.missing(self.message)
    }

    /// Makes of every segment of this map what it says; for examples, which test one file alone.
    pub fn alone(&mut self, index: usize, map: &'a Map) {
        // In the company of the maps that a message uses it with, where it can refer to what they make.
        let company = self.set.messages.iter().find(|message| message.uses.iter().any(|each| each.map == index));
        if let Some(message) = company {
            for each in &message.uses {
                for segment in self.structure.everywhere(&each.from) {
                    self.one_use(each, segment);
                }
            }
        }
        if self.made.iter().any(|made| made.map == index) {
            return;
        }
        if let MapKind::Segment(name) = &map.kind {
            let found: Vec<usize> = self
                .message
                .segments()
                .filter(|segment| segment.name() == name)
                .map(|segment| segment.index())
                .collect();
            for segment in found {
                self.make(index, map, Frame { segment, this: None });
            }
        }
    }

    /// What a datatype map, or a map of a resource called with a field, gives for the first field of the last segment.
    pub fn value_alone(&mut self, index: usize, map: &'a Map) -> serde_json::Value {
        let Some(segment) = self.message.segments().last() else { return serde_json::Value::Null };
        let this = segment.field(1).repetitions().next();
        let frame = Frame { segment: segment.index(), this };
        if map.is_resource {
            let made = self.make(index, map, frame).and_then(|made| self.made.get(made));
            return made.map_or(serde_json::Value::Null, |made| made.draft.resource.clone().into());
        }
        self.structure_of(&map.template, frame).map_or(serde_json::Value::Null, |filled| filled.value)
    }
}
