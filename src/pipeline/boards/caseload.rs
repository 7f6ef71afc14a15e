//! The caseload board of a practice: who is in a programme, at which level, with whom, and who slips.

use jiff::Timestamp;
use serde::Serialize;

use super::board::{Board, Of, Patient};
use crate::pipeline::{Gateway, Piece, Who};
use crate::problem::Problem;
use crate::protocol::Enrolled;
use crate::store::due_of;

/// One patient in one programme.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cared {
    pub patient: Who,
    pub enrolment: Enrolled,
    /// The first moment at which the contact that is owed is late.
    pub next_contact: Option<Timestamp>,
    /// Open work of the programme.
    pub work: Vec<Piece>,
}

impl Cared {
    pub fn is_late(&self, now: Timestamp) -> bool {
        self.next_contact.is_some_and(|due| due < now)
    }
}

impl Gateway {
    /// Whose next contact is late longest first, who is owed none last; without what is restricted where it is not for all of it.
    ///
    /// # Errors
    /// A panel that the site has not, and a store that does not answer.
    pub async fn caseload(&self, panel: &str, all: bool) -> Result<Board<Cared>, Problem> {
        let of = Of { panel, all, kind: "EpisodeOfCare", states: &["active"] };
        let mut board = self.board(&of, enrolled).await?;
        board.rows.sort_by_key(|one| (one.next_contact.unwrap_or(Timestamp::MAX), one.patient.name.clone()));
        Ok(board)
    }
}

fn enrolled(patient: &mut Patient<'_>) -> Vec<Cared> {
    let enrolled = patient.site.protocols.enrolled(&patient.view);
    let shown = |mut enrolment: Enrolled| {
        if patient.hides("EpisodeOfCare", enrolment.episode) {
            return None;
        }
        patient.hide_barriers(&mut enrolment.barriers);
        let next = enrolment.next_contact.iter().filter_map(|id| patient.known.record.get("Task", *id));
        let next_contact = next.filter_map(|task| due_of(&task.resource)).min();
        let work = patient.pieces(&enrolment.work);
        Some(Cared { patient: patient.who.clone(), next_contact, work, enrolment })
    };
    enrolled.into_iter().filter_map(shown).collect()
}
