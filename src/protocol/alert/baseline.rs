//! A person's own baseline: the median of their earlier sittings within a window, once there are enough of them.

use jiff::Timestamp;

use super::interval::Answer;
use super::interval::Interval;
use super::rule::{Bound, Change, Side};

/// For each sitting the bound that its own baseline gives, if there is one. Sittings are in order of time.
pub fn bounds(sittings: &[(Timestamp, Option<Interval>)], change: Change) -> Vec<Option<Bound>> {
    let number = |place: usize| sittings.get(place).and_then(|(_, value)| (*value)?.number());
    let mut window: Vec<f64> = Vec::new();
    let mut oldest = 0;
    let mut found = Vec::with_capacity(sittings.len());
    for (place, (at, _)) in sittings.iter().enumerate() {
        let opens = change.over.before(*at);
        while sittings.get(oldest).is_some_and(|(earlier, _)| *earlier < opens) {
            // Nothing lost: what is not in the window cannot leave it.
            if let Some(left) = number(oldest).and_then(|value| position(&window, value).ok()) {
                window.remove(left);
            }
            oldest += 1;
        }
        found.push(median(&window, change.at_least).map(|median| Bound {
            side: change.side,
            inclusive: true,
            value: if change.side == Side::Above { median + change.by } else { median - change.by },
        }));
        if let Some(value) = number(place) {
            let (Ok(at) | Err(at)) = position(&window, value);
            window.insert(at, value);
        }
    }
    found
}

/// Whether each sitting, with those before it, is so often so far from the baseline.
pub fn warns(sittings: &[(Timestamp, Option<Interval>)], bounds: &[Option<Bound>], change: Change) -> Vec<bool> {
    let far: Vec<bool> = sittings
        .iter()
        .zip(bounds)
        .map(|((_, value), bound)| value.zip(*bound).is_some_and(|(value, bound)| value.asked(bound) == Answer::Met))
        .collect();
    let enough = |(place, is_far): (usize, &bool)| {
        let from = (place + 1).saturating_sub(change.of);
        // Nothing lost: later sittings say nothing of this one.
        *is_far && far.iter().take(place + 1).skip(from).filter(|far| **far).count() >= change.count
    };
    far.iter().enumerate().map(enough).collect()
}

fn position(window: &[f64], value: f64) -> Result<usize, usize> {
    window.binary_search_by(|other| other.total_cmp(&value))
}

fn median(sorted: &[f64], at_least: usize) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get(sorted.len().saturating_sub(1) / 2)?;
    (sorted.len() >= at_least).then_some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::deadline::Deadline;

    #[test]
    fn the_baseline_is_the_median_of_what_came_before_and_is_not_yet_old() {
        let change = Change { side: Side::Below, by: 3.0, over: Deadline::Days(10), at_least: 2, count: 2, of: 3 };
        let day = |day: i64| Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(24 * day);
        let value = |value: f64| Some(Interval::exactly(value));
        let sittings = [(day(0), value(80.0)), (day(5), value(96.0)), (day(11), value(98.0)), (day(12), value(94.0))];
        let bounds = bounds(&sittings, change);
        let told: Vec<Option<f64>> = bounds.iter().map(|bound| bound.map(|bound| bound.value)).collect();
        assert_eq!(told, [None, None, None, Some(94.0)]);
        assert_eq!(warns(&sittings, &bounds, change), [false, false, false, false]);
        assert_eq!(warns(&sittings, &bounds, Change { count: 1, ..change }), [false, false, false, true]);
    }
}
