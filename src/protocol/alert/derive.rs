//! Series that are reckoned from another: how far a value rose or fell since earlier sittings, or what part it is of the
//! person's own best. One pass; what was taken in the same sitting is never compared with itself.

use std::collections::VecDeque;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::interval::{Interval, rounded};
use super::readings::Reading;
use super::rule::{Against, AlertRule, Derived};
use super::trend;

/// Fills the derived series of plausible readings, oldest first.
pub fn derive(readings: &mut [Reading], rule: &AlertRule, zone: &TimeZone) {
    for (place, series) in rule.series.iter().enumerate() {
        // Nothing lost: what is measured is not reckoned.
        let Some(derived) = series.derived else { continue };
        if let Against::Trend(steepness) = derived.against {
            trend::reckon(readings, (place, derived), steepness, zone);
        } else {
            reckon(readings, rule, (place, derived), zone);
        }
    }
}

fn reckon(readings: &mut [Reading], rule: &AlertRule, (place, derived): (usize, Derived), zone: &TimeZone) {
    let stated = |reading: &Reading| reading.values.get(derived.of).copied().flatten();
    let mut earlier = Earlier { against: derived.against, kept: VecDeque::new() };
    // Those of the sitting at hand, which the next one is compared with.
    let mut sitting: Vec<(Timestamp, f64)> = Vec::new();
    let mut first = None;
    for reading in readings {
        // Nothing lost: what is not stated did not change.
        let Some(value) = stated(reading) else { continue };
        if first.is_none_or(|first| reading.at >= rule.apart.after(first)) {
            first = Some(reading.at);
            sitting.drain(..).for_each(|(at, number)| earlier.hear(at, number));
        }
        let found =
            earlier.since(derived.within.opens(reading.at, zone)).and_then(|from| derived.against.of(value, from));
        if let Some(own) = reading.values.get_mut(place) {
            *own = found;
        }
        sitting.extend(value.number().map(|number| (reading.at, number)));
    }
}

impl Against {
    fn of(self, value: Interval, from: f64) -> Option<Interval> {
        let reckoned = |number: f64| match self {
            Self::Lowest | Self::Highest | Self::Trend(_) => rounded(number - from),
            Self::Best => rounded(number / from * 100.0),
        };
        let whole = Interval { low: reckoned(value.low), high: reckoned(value.high), ..value };
        (self != Self::Best || from > 0.0).then_some(whole)
    }
}

/// Earlier values of which one may be the lowest (or highest) of a window that only moves on.
struct Earlier {
    against: Against,
    kept: VecDeque<(Timestamp, f64)>,
}

impl Earlier {
    fn hear(&mut self, at: Timestamp, number: f64) {
        let yields = |other: f64| match self.against {
            Against::Lowest => other >= number,
            Against::Highest | Against::Best | Against::Trend(_) => other <= number,
        };
        while self.kept.back().is_some_and(|(_, other)| yields(*other)) {
            self.kept.pop_back();
        }
        self.kept.push_back((at, number));
    }

    fn since(&mut self, opens: Timestamp) -> Option<f64> {
        while self.kept.front().is_some_and(|(at, _)| *at < opens) {
            self.kept.pop_front();
        }
        self.kept.front().map(|(_, number)| *number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_moves_and_keeps_its_lowest() {
        let mut earlier = Earlier { against: Against::Lowest, kept: VecDeque::new() };
        let hour = |hour: i64| Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(hour);
        [(1, 80.0), (2, 78.5), (3, 79.0), (4, 81.0)]
            .into_iter()
            .for_each(|(at, number)| earlier.hear(hour(at), number));
        assert_eq!(earlier.since(hour(0)), Some(78.5));
        assert_eq!(earlier.since(hour(3)), Some(79.0));
        assert_eq!(earlier.since(hour(4)), Some(81.0));
        assert_eq!(earlier.since(hour(5)), None);
    }

    #[test]
    fn a_part_of_nothing_cannot_be_told() {
        assert_eq!(Against::Best.of(Interval::exactly(300.0), 400.0), Some(Interval::exactly(75.0)));
        assert_eq!(Against::Best.of(Interval::exactly(300.0), 0.0), None);
        assert_eq!(Against::Highest.of(Interval::of(Some("<"), 80.0).unwrap(), 85.0).unwrap().words(), "<-5");
    }
}
