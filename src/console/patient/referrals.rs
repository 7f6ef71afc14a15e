//! Referrals that are going on, each with how far it has come; those whose report has to be read last.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::console::plot::capital;
use crate::console::track::{Step, next, track};
use crate::console::when;
use crate::protocol::{Looked, OpenReferral, ReferralStage as Stage};

/// One referral.
pub(crate) struct Referral {
    pub id: String,
    pub what: String,
    pub to: String,
    pub track: Vec<Step>,
    pub words: String,
    pub is_stuck: bool,
}

/// The longest in their stage first.
pub(super) fn referrals(looked: &Looked, now: Timestamp, zone: &TimeZone) -> Vec<Referral> {
    let mut all: Vec<&OpenReferral> = looked.referrals.iter().collect();
    all.sort_by_key(|one| (one.stage == Stage::Reported, one.since, one.request));
    all.into_iter().map(|one| referral(one, now, zone)).collect()
}

fn referral(one: &OpenReferral, now: Timestamp, zone: &TimeZone) -> Referral {
    let day = when::day(when::date_in(one.since, zone), when::date_in(now, zone));
    let days = (now.duration_since(one.since).as_hours() / 24).max(0);
    let waits = match one.stage {
        Stage::Scheduled | Stage::Reported => String::new(),
        _ => format!(", {} ago", when::days(days)),
    };
    let is_stuck = one.is_stuck(now);
    let next = if is_stuck { String::new() } else { format!(" Next: {}.", next(one.stage).to_lowercase()) };
    let said = if one.said.is_empty() { String::new() } else { format!(": {}", one.said) };
    Referral {
        id: one.request.to_string(),
        what: capital(&one.what),
        to: one.to.clone(),
        track: track(one.stage, is_stuck),
        words: format!("{} {day}{waits}{said}.{next}", capital(one.stage.word())),
        is_stuck,
    }
}
