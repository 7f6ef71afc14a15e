//! Referrals that are going on, each with how far it has come of five steps: asked, accepted, booked, seen, reported.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::console::plot::capital;
use crate::console::when;
use crate::protocol::{Looked, Referred};

/// The steps of a closed loop, in order.
const STEPS: [&str; 5] = ["asked", "accepted", "booked", "seen", "reported"];

/// One referral.
pub(crate) struct Step {
    pub id: String,
    pub what: String,
    pub to: String,
    /// For each step `on`, `at`, `bad` or nothing, with its name.
    pub track: Vec<(&'static str, String)>,
    pub words: String,
    pub is_stuck: bool,
}

/// Those whose report has not come first, the longest in their stage first of those.
pub(super) fn referrals(looked: &Looked, now: Timestamp, zone: &TimeZone) -> Vec<Step> {
    let mut all: Vec<&Referred> = looked.referrals.iter().collect();
    all.sort_by_key(|one| (one.done == STEPS.len(), one.since, one.request));
    all.into_iter().map(|one| step(one, now, zone)).collect()
}

fn step(one: &Referred, now: Timestamp, zone: &TimeZone) -> Step {
    let class = |place: usize| match place {
        place if place < one.done => ("on", ", done"),
        place if place == one.done && one.is_stuck => ("bad", ", stands still"),
        place if place == one.done => ("at", ", next"),
        _ => ("", ""),
    };
    let track = |(place, name): (usize, &&str)| (class(place).0, format!("{name}{}", class(place).1));
    let day = when::day(when::date_in(one.since, zone), when::date_in(now, zone));
    let days = (now.duration_since(one.since).as_hours() / 24).max(0);
    let waits = if one.done < STEPS.len() && one.stage != "scheduled" {
        format!(", {} ago", when::days(days))
    } else {
        String::new()
    };
    let next = STEPS.get(one.done).filter(|_| !one.is_stuck).map(|next| format!(" Next: {next}.")).unwrap_or_default();
    let said = if one.said.is_empty() { String::new() } else { format!(": {}", one.said) };
    Step {
        id: one.request.to_string(),
        what: capital(&one.what),
        to: one.to.clone(),
        track: STEPS.iter().enumerate().map(track).collect(),
        words: format!("{} {day}{waits}{said}.{next}", capital(one.stage)),
        is_stuck: one.is_stuck,
    }
}
