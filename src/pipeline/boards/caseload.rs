//! The caseload board of a practice: who is in a programme, at which level, with whom, and who slips.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::patients::persons_with;
use crate::fhir::{is_restricted, labels_of};
use crate::identity::{PersonId, ResourceId};
use crate::pipeline::{Gateway, Piece, Who};
use crate::problem::{Category, Place, Problem};
use crate::protocol::{Enrolled, View};
use crate::record::Stored;
use crate::site::Site;
use crate::store::{StoreError, due_of};

/// Of the newest; being enrolled hangs on none.
const OBSERVATIONS: usize = 1;

/// What a board shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Caseload {
    pub panel: String,
    pub practice: String,
    pub made: Timestamp,
    #[serde(skip)]
    pub zone: TimeZone,
    /// Whose next contact is late longest first; who is owed none comes last.
    pub people: Vec<Cared>,
    /// What is not on the board though it belongs there, and why.
    pub missing: Vec<String>,
}

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
    /// The board of a practice; without what is labelled as restricted where it is not for all of it.
    ///
    /// # Errors
    /// A panel that the site has not, and a store that does not answer.
    pub async fn caseload(&self, panel: &str, all: bool) -> Result<Caseload, Problem> {
        let site = self.site.load_full();
        let of = site.panel(panel)?;
        let fault = |error: StoreError| Problem::error(Category::Exception, Place::Whole, error.to_string());
        let mut board = Caseload {
            panel: panel.to_string(),
            practice: of.practice.name.clone(),
            made: self.clock.now(),
            zone: of.practice.zone.clone(),
            people: Vec::new(),
            missing: Vec::new(),
        };
        let persons =
            persons_with(&*self.store, "EpisodeOfCare", &["active"], &mut board.missing).await.map_err(fault)?;
        let mut hidden = 0;
        for person in persons {
            hidden += self.add_enrolled(&mut board, &site, person, all).await.map_err(fault)?;
        }
        if hidden > 0 {
            board.missing.push(format!("{hidden} more are restricted and not shown to you"));
        }
        board.people.sort_by_key(|one| (one.next_contact.unwrap_or(Timestamp::MAX), one.patient.name.clone()));
        Ok(board)
    }

    /// The programmes of one patient; how many are not shown.
    async fn add_enrolled(
        &self,
        board: &mut Caseload,
        site: &Site,
        person: PersonId,
        all: bool,
    ) -> Result<usize, StoreError> {
        let known = self.load(person, OBSERVATIONS).await?;
        if !known.memberships.iter().any(|membership| membership.panel == board.panel) {
            return Ok(0); // Nothing lost: another practice's patient, who is on that practice's board.
        }
        let id = ResourceId::patient(known.record.head.person);
        let who = known.record.get("Patient", id).map_or_else(|| Who::unknown(id), Who::of);
        let practices = site.practices_of(&known.memberships);
        let view =
            View { record: &known.record, memberships: &known.memberships, practices: &practices, now: board.made };
        let hides = |stored: &Stored| !all && labels_of(&stored.resource).any(is_restricted);
        let mut hidden = 0;
        for enrolment in site.protocols.enrolled(&view) {
            if known.record.get("EpisodeOfCare", enrolment.episode).is_some_and(hides) {
                hidden += 1;
                continue; // Nothing lost: counted, and said on the board.
            }
            let task = |id: &ResourceId| known.record.get("Task", *id);
            let next = enrolment.next_contact.iter().filter_map(task);
            let next_contact = next.filter_map(|task| due_of(&task.resource)).min();
            let work = enrolment.work.iter().filter_map(task).filter(|task| !hides(task));
            let work = work.map(|task| Piece::of(task, who.clone())).collect();
            board.people.push(Cared { patient: who.clone(), next_contact, work, enrolment });
        }
        Ok(hidden)
    }
}
