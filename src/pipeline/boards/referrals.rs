//! The referral board of a practice: every referral that is not closed, with its stage, how long it stands there and the work that
//! is open about it. A patient's record is read for it, because a stage is what all that is linked to the referral says together.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::patients::persons_with;
use crate::fhir::{is_restricted, labels_of};
use crate::identity::{PersonId, ResourceId};
use crate::pipeline::{Gateway, Piece, Who};
use crate::problem::{Category, Place, Problem};
use crate::protocol::{OpenReferral, View};
use crate::record::Stored;
use crate::site::Site;
use crate::store::StoreError;

/// Of the newest; a referral hangs on none.
const OBSERVATIONS: usize = 1;

/// What a board shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReferralBoard {
    pub panel: String,
    pub practice: String,
    pub made: Timestamp,
    #[serde(skip)]
    pub zone: TimeZone,
    /// What stands longest beyond its time first.
    pub referrals: Vec<Referred>,
    /// What is not on the board though it belongs there, and why.
    pub missing: Vec<String>,
}

/// One referral with its patient.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Referred {
    pub patient: Who,
    pub referral: OpenReferral,
    pub work: Vec<Piece>,
}

impl Referred {
    pub fn is_late(&self, now: Timestamp) -> bool {
        self.referral.until.is_some_and(|until| until < now)
    }
}

impl Gateway {
    /// The board of a practice; without what is labelled as restricted where it is not for all of it.
    ///
    /// # Errors
    /// A panel that the site has not, and a store that does not answer.
    pub async fn referral_board(&self, panel: &str, all: bool) -> Result<ReferralBoard, Problem> {
        let site = self.site.load_full();
        let of = site.panel(panel)?;
        let fault = |error: StoreError| Problem::error(Category::Exception, Place::Whole, error.to_string());
        let mut board = ReferralBoard {
            panel: panel.to_string(),
            practice: of.practice.name.clone(),
            made: self.clock.now(),
            zone: of.practice.zone.clone(),
            referrals: Vec::new(),
            missing: Vec::new(),
        };
        // A request that its sender calls completed stays open here until the report was read.
        let states = ["active", "on-hold", "completed", "unknown"];
        let persons = persons_with(&*self.store, "ServiceRequest", &states, &mut board.missing).await.map_err(fault)?;
        let mut hidden = 0;
        for person in persons {
            hidden += self.add_referrals(&mut board, &site, person, all).await.map_err(fault)?;
        }
        if hidden > 0 {
            board.missing.push(format!("{hidden} more are restricted and not shown to you"));
        }
        // What no rule bounds comes last, whatever its age.
        board
            .referrals
            .sort_by_key(|one| (one.referral.until.unwrap_or(Timestamp::MAX), one.referral.since, one.patient.id));
        Ok(board)
    }

    /// The referrals of one patient; how many are not shown.
    async fn add_referrals(
        &self,
        board: &mut ReferralBoard,
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
        let hides = |stored: Option<&Stored>| {
            !all && stored.is_some_and(|stored| labels_of(&stored.resource).any(is_restricted))
        };
        let mut hidden = 0;
        for referral in site.protocols.open_referrals(&view) {
            if hides(known.record.get("ServiceRequest", referral.request)) {
                hidden += 1;
                continue; // Nothing lost: counted, and said on the board.
            }
            let tasks = referral.work.iter().filter_map(|id| known.record.get("Task", *id));
            let work = tasks.filter(|task| !hides(Some(task))).map(|task| Piece::of(task, who.clone())).collect();
            board.referrals.push(Referred { patient: who.clone(), referral, work });
        }
        Ok(hidden)
    }
}
