//! One trigger for which a rule may owe work, and how that stands.

use jiff::Timestamp;

use super::anchor::Anchor;
use super::sources::Sources;
use super::work::{Existing, Outcome};

pub struct Owed<'v, 'a> {
    pub anchor: Anchor<'v, 'a>,
    pub existing: Option<&'v Existing<'v>>,
    pub outcome: Outcome,
    /// It came in quiet hours, and is owed since then.
    pub held: Option<Timestamp>,
    pub due: Option<Timestamp>,
    pub who_words: String,
    /// Other triggers that this work answers, too: their names, and in words what they were.
    pub also: Vec<(String, String)>,
    /// What ended it.
    pub ended_by: Sources,
    /// When it lapsed, where nothing else ended it.
    pub lapsed: Option<Timestamp>,
}
