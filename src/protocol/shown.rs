//! What a page shows of a record besides the work itself. Plain data, made by `looked`.

use jiff::Timestamp;

use super::alert::Chart;
use super::barriers::Barrier;
use super::loops::OpenReferral;
use crate::identity::ResourceId;

/// What there is to show.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Looked {
    pub charts: Vec<Chart>,
    /// How many things that no rule watches are not drawn.
    pub more_charts: usize,
    pub questions: Vec<Question>,
    pub referrals: Vec<OpenReferral>,
    pub barriers: Vec<Barrier>,
    /// Visits that took place or take place, oldest first.
    pub visits: Vec<Visited>,
    pub alerts: Vec<Alerted>,
    pub answered: Vec<Answered>,
}

/// A visit.
#[derive(Debug, Clone, PartialEq)]
pub struct Visited {
    pub id: ResourceId,
    /// `Emergency visit`, `Hospital stay`.
    pub words: String,
    pub place: String,
    /// The patient stayed there.
    pub is_stay: bool,
    pub start: Option<Timestamp>,
    pub end: Option<Timestamp>,
    pub reason: String,
    pub ended: String,
}

/// An alert that readings raised.
#[derive(Debug, Clone, PartialEq)]
pub struct Alerted {
    pub task: ResourceId,
    pub at: Timestamp,
    /// The Observation that raised it: of those it tells of, the last one taken before.
    pub reading: Option<ResourceId>,
    pub words: String,
}

/// An answer that somebody gave to a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    pub flag: ResourceId,
    pub at: Timestamp,
    pub by: String,
    pub ask: String,
    pub answer: String,
}

/// A question of a protocol that nobody has answered, or whose answer has aged.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The Flag that asks it.
    pub flag: ResourceId,
    pub ask: String,
    pub detail: String,
    /// The programme that asks.
    pub title: String,
    /// Code and words; whether it is a reason not to.
    pub answers: Vec<(String, String, bool)>,
    pub last: Option<(Timestamp, String)>,
    pub weight: u8,
}
