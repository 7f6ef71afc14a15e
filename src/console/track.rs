//! How far a referral has come, step by step, for the eye and in words.

use crate::protocol::ReferralStage as Stage;

/// What a referral passes, as people name it.
const STEPS: [&str; 6] = ["Requested", "Accepted", "Scheduled", "Seen", "Report", "Reviewed"];

/// One step: its name, and how it stands: `on` behind it, `at` waited for, `bad` waited for too long, or nothing.
pub(super) type Step = (&'static str, &'static str);

pub(super) fn track(stage: Stage, is_stuck: bool) -> Vec<Step> {
    let done = done(stage);
    let of = |(place, step): (usize, &'static str)| match place {
        _ if place < done => (step, "on"),
        _ if place == done && is_stuck => (step, "bad"),
        _ if place == done => (step, "at"),
        _ => (step, ""),
    };
    STEPS.into_iter().enumerate().map(of).collect()
}

/// The step that it waits for.
pub(super) fn next(stage: Stage) -> &'static str {
    STEPS.get(done(stage)).copied().unwrap_or_default()
}

/// How many steps are behind it.
fn done(stage: Stage) -> usize {
    match stage {
        Stage::Requested | Stage::Rejected => 1,
        Stage::Accepted | Stage::Missed => 2,
        Stage::Scheduled => 3,
        Stage::Seen => 4,
        Stage::Reported => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_track_shows_what_it_waits_for() {
        let at = |stage, stuck| track(stage, stuck).into_iter().map(|(_, class)| class).collect::<Vec<_>>().join(",");
        assert_eq!(at(Stage::Requested, false), "on,at,,,,");
        assert_eq!(at(Stage::Seen, true), "on,on,on,on,bad,");
        assert_eq!(at(Stage::Missed, true), "on,on,bad,,,");
        assert_eq!(at(Stage::Reported, false), "on,on,on,on,on,at");
        assert_eq!((next(Stage::Seen), next(Stage::Reported)), ("Report", "Reviewed"));
    }
}
