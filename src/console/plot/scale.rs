//! From values and moments to places in a plot: straight scales that never turn back, and round numbers to mark them with.

use jiff::{SignedDuration, Timestamp};

/// A straight scale from one span of numbers to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    from: f64,
    to: f64,
    start: f64,
    end: f64,
}

impl Scale {
    /// Numbers from `from` to `to` lie between `start` and `end`, which may run backwards. A span of nothing lies in the middle.
    pub(super) fn new((from, to): (f64, f64), (start, end): (f64, f64)) -> Self {
        Self { from, to, start, end }
    }

    /// Where a number lies; what is beyond the span lies at its end.
    pub(super) fn place(self, value: f64) -> f64 {
        let length = self.to - self.from;
        if length <= 0.0 || !value.is_finite() {
            return f64::midpoint(self.start, self.end);
        }
        let share = ((value - self.from) / length).clamp(0.0, 1.0);
        self.start + share * (self.end - self.start)
    }

    /// Round numbers within the span, about so many.
    pub(super) fn ticks(self, about: usize) -> Vec<f64> {
        let length = self.to - self.from;
        if length <= 0.0 || !length.is_finite() || about == 0 {
            return vec![self.from];
        }
        let rough = length / about as f64;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|step| *step >= rough);
        let step = step.unwrap_or(power * 10.0);
        let first = (self.from / step).ceil();
        let number = |count: u32| (first + f64::from(count)) * step;
        (0..100)
            .map(number)
            .take_while(|value| *value <= self.to + step * 1e-9)
            .map(|value| tidy(value, step))
            .collect()
    }
}

/// Without the dust of binary arithmetic.
fn tidy(value: f64, step: f64) -> f64 {
    let digits = (1.0 - step.log10()).ceil().clamp(0.0, 9.0);
    let factor = 10_f64.powf(digits);
    (value * factor).round() / factor
}

/// The dates of a page's plots: the same on all of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Span {
    pub from: Timestamp,
    pub until: Timestamp,
}

impl Span {
    /// So many days up to a moment.
    pub(crate) fn days(days: u16, until: Timestamp) -> Self {
        let from = until.saturating_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(until);
        Self { from, until }
    }

    pub(super) fn scale(self, start: f64, end: f64) -> Scale {
        Scale::new((self.seconds(self.from), self.seconds(self.until)), (start, end))
    }

    /// Seconds since the beginning.
    pub(super) fn seconds(self, at: Timestamp) -> f64 {
        at.duration_since(self.from).as_secs_f64()
    }

    pub(crate) fn holds(self, at: Timestamp) -> bool {
        at >= self.from && at <= self.until
    }

    /// A moment at a share of it.
    pub(super) fn at(self, share: f64) -> Timestamp {
        let seconds = (self.seconds(self.until) * share) as i64;
        self.from.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(self.until)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ticks_are_round_and_within() {
        let ticks = |from: f64, to: f64| Scale::new((from, to), (154.0, 8.0)).ticks(4);
        assert_eq!(ticks(163.0, 178.0), [165.0, 170.0, 175.0]);
        assert_eq!(ticks(0.0, 1.0), [0.0, 0.5, 1.0]);
        assert_eq!(ticks(36.4, 37.3), [36.5, 37.0]);
        assert_eq!(ticks(5.0, 5.0), [5.0], "a span of nothing");
        assert_eq!(ticks(-30.0, 30.0), [-20.0, 0.0, 20.0]);
    }

    proptest! {
        #[test]
        fn a_scale_keeps_the_order_and_stays_within(
            from in -1e6_f64..1e6, length in 0.0_f64..1e6, one in -2e6_f64..2e6, other in -2e6_f64..2e6
        ) {
            let scale = Scale::new((from, from + length), (154.0, 8.0));
            let (low, high) = (one.min(other), one.max(other));
            prop_assert!(scale.place(low) >= scale.place(high), "greater values lie higher");
            for value in [one, other, f64::NAN, f64::INFINITY] {
                prop_assert!((8.0..=154.0).contains(&scale.place(value)));
            }
        }

        #[test]
        fn ticks_lie_in_the_span_in_order_and_are_few(from in -1e5_f64..1e5, length in 0.001_f64..1e5, about in 1_usize..8) {
            let ticks = Scale::new((from, from + length), (0.0, 1.0)).ticks(about);
            prop_assert!(ticks.len() <= about + 1, "{ticks:?}");
            prop_assert!(ticks.windows(2).all(|pair| pair[0] < pair[1]), "{ticks:?}");
            let dust = length * 1e-6 + 1e-6;
            prop_assert!(ticks.iter().all(|tick| *tick >= from - dust && *tick <= from + length + dust), "{ticks:?}");
        }
    }
}
