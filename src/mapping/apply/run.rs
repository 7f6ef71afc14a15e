//! One application of a map set to one message: what is known while it runs, and the order of its steps.

use std::collections::HashMap;

use crate::fhir::Draft;
use crate::hl7::{Message, SenderClock, Value as Field};
use crate::mapping::language::{Map, MapKind, MessageMap, Use};
use crate::mapping::{Context, Lineage, MapSet, Mapped, Role, Unmapped, Unread};
use crate::problem::{Category, FieldPlace, Place, Problem};
use crate::yaml::Mark;

use super::event;
use super::structure::Structure;
use super::unread::ReadBytes;

/// Where evaluation stands: a segment, and the value at hand within it.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'m> {
    pub segment: usize,
    pub this: Option<Field<'m>>,
}

/// A draft and the map that made it.
#[derive(Debug)]
pub struct Made {
    pub map: usize,
    pub draft: Draft,
}

/// The run itself.
pub struct Run<'a> {
    pub set: &'a MapSet,
    pub message: &'a Message,
    pub context: Context<'a>,
    pub structure: Structure<'a>,
    pub made: Vec<Made>,
    /// What each map made: the segment it was called with, and where in `made` it stands.
    pub made_by: HashMap<usize, Vec<(usize, usize)>>,
    /// Where a draft of a type and key stands.
    pub keys: HashMap<(String, String), usize>,
    /// How often the key of a draft was told.
    pub repeats: HashMap<usize, usize>,
    /// How many drafts of a type have a name.
    pub named: HashMap<String, usize>,
    pub lineage: Vec<Lineage>,
    pub unmapped: Vec<Unmapped>,
    pub problems: Vec<Problem>,
    /// How often a fault was found beside its first place, by where it stands in `problems`.
    pub elsewhere: HashMap<usize, usize>,
    pub read: ReadBytes,
    /// The local name of the draft being made.
    pub local: String,
    /// The element being made: names with their index in a list.
    pub steps: Vec<(String, Option<usize>)>,
    /// How the sender tells the time.
    pub clock: SenderClock,
    /// The place that is meant for the time of the element at hand, where it could not be read or another stands in for it.
    pub meant: Option<FieldPlace>,
    /// What was noted about how times are written, each once in a message.
    pub said_of_times: Vec<String>,
    /// Whether anything in the message asks to delete; hardly any message does, and looking for it takes time.
    pub deletes: bool,
    /// The sender's own coding of a code-typed element that has no row in its table.
    pub original: Option<serde_json::Value>,
    /// The way that fills the element at hand, where one does.
    pub way: Option<&'a Mark>,
}

/// Applies the set to a message.
pub fn message(set: &MapSet, message: &Message, context: &Context<'_>) -> Mapped {
    let mut run = Run::new(set, message, context);
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
    Mapped {
        event,
        drafts: run.made.into_iter().map(|made| made.draft).collect(),
        merges,
        lineage: run.lineage,
        unread,
        unmapped: run.unmapped,
        problems: run.problems,
    }
}

impl<'a> Run<'a> {
    pub fn new(set: &'a MapSet, message: &'a Message, context: &Context<'a>) -> Self {
        Self {
            set,
            message,
            context: *context,
            structure: Structure::of(message),
            made: Vec::new(),
            made_by: HashMap::new(),
            keys: HashMap::new(),
            repeats: HashMap::new(),
            named: HashMap::new(),
            lineage: Vec::new(),
            unmapped: Vec::new(),
            problems: Vec::new(),
            elsewhere: HashMap::new(),
            read: ReadBytes::new(message.raw().len()),
            local: String::new(),
            steps: Vec::new(),
            original: None,
            deletes: message.raw().windows(2).any(|pair| pair == b"\"\""),
            clock: event::clock(message, context),
            meant: None,
            said_of_times: Vec::new(),
            way: None,
        }
    }

    /// Where a segment stands.
    pub fn at(&self, segment: usize) -> Frame<'a> {
        Frame { segment, this: None }
    }

    fn whole(&mut self, map: &'a MessageMap) -> Vec<crate::mapping::Merge> {
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

    /// The drafts that a map made nearest to a segment: of itself, else of the group around it.
    pub fn near(&self, map: usize, segment: usize) -> Vec<usize> {
        let made = self.made_by.get(&map).map(Vec::as_slice).unwrap_or_default();
        let of = |segments: &[usize]| -> Vec<usize> {
            let found = made.iter().filter(|(origin, _)| segments.contains(origin));
            found.map(|(_, index)| *index).collect()
        };
        let own = of(&[segment]);
        if !own.is_empty() {
            return own;
        }
        let origins: Vec<usize> = made.iter().map(|(origin, _)| *origin).collect();
        of(&self.structure.nearest(segment, &origins))
    }
}
