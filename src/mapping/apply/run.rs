//! One application of a map set to one message: what is known while it runs.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::fhir::Draft;
use crate::hl7::{DateTime, Message, SenderClock, Value as Field};
use crate::mapping::lines::line;
use crate::mapping::{Context, Line, Lineage, MapSet, Unmapped};
use crate::problem::{FieldPlace, Problem};
use crate::yaml::Mark;

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
    pub local: Arc<str>,
    /// The element being made: names with their index in a list.
    pub steps: Vec<(&'a str, Option<usize>)>,
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
    /// The lines that gave something, where somebody asks.
    pub touched: Option<BTreeSet<Line>>,
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
            local: Arc::from(""),
            steps: Vec::new(),
            original: None,
            deletes: message.raw().windows(2).any(|pair| pair == b"\"\""),
            clock: clock(message, context),
            meant: None,
            said_of_times: Vec::new(),
            way: None,
            touched: None,
        }
    }

    /// Notes that a line gave something, where somebody asks.
    pub fn touch(&mut self, mark: &Mark) {
        if let Some(touched) = &mut self.touched {
            touched.insert(line(mark));
        }
    }

    /// Where a segment stands.
    pub fn at(&self, segment: usize) -> Frame<'a> {
        Frame { segment, this: None }
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

/// The clock of the message's sender: MSH-7's offset, else the zone of the feed.
fn clock(message: &Message, context: &Context<'_>) -> SenderClock {
    // Nothing lost: the event says when MSH-7 cannot be read.
    let written = DateTime::parse(&message.header().timestamp()).ok();
    SenderClock::of_message(context.zone.clone(), written.as_ref(), context.received)
}
