//! A message on its way: what is known of it, how far it got, and what is decided and not written yet.

use tokio::sync::OwnedMutexGuard;

use super::answer::Answer;
use super::decide::Decided;
use super::hot::Weight;
use super::portions::{Portion, portions};
use super::{Acknowledged, Arrival};
use crate::identity::PersonId;
use crate::mapping::Mapped;
use crate::problem::Problem;
use crate::site::{Feed, Site};
use crate::store::{Disposition, MessageSummary, Notice, Trace, WriteUnit};
use crate::telemetry::Journey;

/// What is known of a message before anything is decided of it.
pub(super) struct Told<'a> {
    pub site: &'a Site,
    pub feed: &'a Feed,
    pub arrival: &'a Arrival,
    pub journey: &'a Journey,
    /// SHA-256 of its bytes.
    pub content: [u8; 32],
    pub mapped: Option<Mapped>,
    pub replays: Option<u64>,
}

impl Told<'_> {
    /// What it says of whom; problems where it is refused.
    pub(super) fn portions<'m>(&self, mapped: &'m Mapped) -> Result<Vec<Portion<'m>>, Vec<Problem>> {
        if mapped.has_errors() {
            return Err(Vec::new());
        }
        portions(&self.feed.identified_by, mapped).map_err(|problem| vec![problem])
    }
}

/// How far a message got before it has to wait for something.
pub(super) enum Step {
    /// It came before.
    Answered(Acknowledged),
    /// Somebody else works on the records of these persons. What stands against joining them is said already.
    Waiting {
        persons: Vec<PersonId>,
        doubts: Vec<Problem>,
    },
    Ready(Box<Ready>),
}

/// A message that is decided and not written yet.
pub(super) struct Ready {
    pub decided: Decided,
    pub weight: Weight,
    pub summary: MessageSummary,
    pub answer: Answer,
    pub unused: Vec<Notice>,
    /// Until it is written nobody else works on the records.
    pub _locks: Vec<OwnedMutexGuard<()>>,
}

/// A message that changes nothing but is kept.
pub(super) fn nothing(disposition: Disposition) -> Decided {
    let (unit, trace) = (WriteUnit::default(), Trace::default());
    let (patient, other_patients) = (None, Vec::new());
    Decided { unit, trace, problems: Vec::new(), disposition, patient, other_patients, record: None }
}
