//! Whether a reading at the level of an escalation stands: by itself, because it showed again, because nobody repeated it in
//! time, or not at all. Pure arithmetic over judged readings.

use jiff::Timestamp;

use super::grade::Grade;
use super::interval::Answer;
use super::readings::Reading;
use super::rule::{Confirm, Thresholds};
use super::thresholds::{Judged, judge};

/// What one reading counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// At this level, or in no way out of range.
    Is(Option<Grade>),
    /// An escalation unless a repeat says otherwise until then.
    Waits(Timestamp),
    /// A repeat did not confirm it: the reading at this place. It is left aside.
    Refuted(usize),
}

/// The standing of each reading, oldest first. `is_held` tells of readings that a person has taken on while they waited: for
/// those, what happens when nobody acts does not happen.
pub fn standings(
    readings: &[Reading],
    thresholds: &[Thresholds],
    confirm: Option<Confirm>,
    now: Timestamp,
    is_held: &dyn Fn(&Reading) -> bool,
) -> Vec<Standing> {
    let judged: Vec<Judged> = readings.iter().map(|reading| judge(reading, thresholds)).collect();
    let is_high = |place: &usize| judged.get(*place).is_some_and(|one| one.escalate == Answer::Met);
    let highs: Vec<usize> = (0..readings.len()).filter(is_high).collect();
    let at = |place: usize| readings.get(place).map(|reading| reading.at);
    let mut standings: Vec<Standing> = judged.iter().map(|one| Standing::Is(one.grade())).collect();
    let Some(confirm) = confirm else { return standings };
    for (order, place) in highs.iter().enumerate() {
        // Nothing lost: both lists are as long as the readings.
        let (Some(one), Some(reading)) = (judged.get(*place), readings.get(*place)) else { continue };
        let closes = confirm.within.after(reading.at);
        let before = order.checked_sub(1).and_then(|before| at(*highs.get(before)?));
        let after = highs.get(order + 1).and_then(|after| at(*after));
        let is_confirmed = before.is_some_and(|before| confirm.within.after(before) >= reading.at)
            || after.is_some_and(|after| after <= closes);
        if one.extreme == Answer::Met || is_confirmed {
            // Nothing lost: its standing is an escalation already.
            continue;
        }
        let repeat = (place + 1..readings.len())
            .take_while(|next| at(*next).is_some_and(|at| at <= closes))
            .find(|next| judged.get(*next).is_some_and(|next| next.refutes(one)));
        let standing = match repeat {
            Some(repeat) => Standing::Refuted(repeat),
            None if now < closes || is_held(reading) => Standing::Waits(closes),
            None => Standing::Is(Some(confirm.otherwise)),
        };
        if let Some(own) = standings.get_mut(*place) {
            *own = standing;
        }
    }
    standings
}
