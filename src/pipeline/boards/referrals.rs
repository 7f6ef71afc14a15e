//! The referral board of a practice: every referral that is not closed, with its stage, how long it stands there and the work that
//! is open about it.

use jiff::Timestamp;
use serde::Serialize;

use super::board::{Board, Of, Patient};
use crate::pipeline::{Gateway, Piece, Who};
use crate::problem::Problem;
use crate::protocol::OpenReferral;

/// One referral with its patient.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Referred {
    pub patient: Who,
    pub referral: OpenReferral,
    pub work: Vec<Piece>,
}

impl Gateway {
    /// What stands longest beyond its time first; without what is restricted where it is not for all of it.
    ///
    /// # Errors
    /// A panel that the site has not, and a store that does not answer.
    pub async fn referral_board(&self, panel: &str, all: bool) -> Result<Board<Referred>, Problem> {
        // A request that its sender calls completed stays open here until the report was read.
        let states = &["active", "on-hold", "completed", "unknown"];
        let of = Of { panel, all, kind: "ServiceRequest", states };
        let mut board = self.board(&of, referrals).await?;
        // What no rule bounds comes last, whatever its age.
        let place = |one: &Referred| (one.referral.until.unwrap_or(Timestamp::MAX), one.referral.since, one.patient.id);
        board.rows.sort_by_key(place);
        Ok(board)
    }
}

fn referrals(patient: &mut Patient<'_>) -> Vec<Referred> {
    let open = patient.site.protocols.open_referrals(&patient.view);
    let shown = |mut referral: OpenReferral| {
        if patient.hides("ServiceRequest", referral.request) {
            return None;
        }
        patient.hide_barriers(&mut referral.barriers);
        Some(Referred { patient: patient.who.clone(), work: patient.pieces(&referral.work), referral })
    };
    open.into_iter().filter_map(shown).collect()
}
