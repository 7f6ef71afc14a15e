//! A value as it was stated: a number, or with a comparator (http://hl7.org/fhir/R4/valueset-quantity-comparator.html) all that
//! it may be. Against a bound the answer is yes, no, or that it cannot be told; never a guess.

use super::rule::{Bound, Side};

/// All numbers that a stated value may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
    /// The end itself is not among them.
    pub is_low_open: bool,
    pub is_high_open: bool,
}

/// What a bound says of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Met,
    NotMet,
    Unknown,
}

impl Interval {
    pub fn exactly(value: f64) -> Self {
        Self { low: value, high: value, is_low_open: false, is_high_open: false }
    }

    /// None for a comparator that R4 does not know.
    pub fn of(comparator: Option<&str>, value: f64) -> Option<Self> {
        let exact = Self::exactly(value);
        match comparator {
            None | Some("") => Some(exact),
            Some(">") => Some(Self { high: f64::INFINITY, is_low_open: true, ..exact }),
            Some(">=") => Some(Self { high: f64::INFINITY, ..exact }),
            Some("<") => Some(Self { low: f64::NEG_INFINITY, is_high_open: true, ..exact }),
            Some("<=") => Some(Self { low: f64::NEG_INFINITY, ..exact }),
            Some(_) => None,
        }
    }

    pub fn number(self) -> Option<f64> {
        (self.low == self.high).then_some(self.low)
    }

    /// Whether a value lies beyond a bound.
    pub fn asked(self, bound: Bound) -> Answer {
        let (nearest, is_nearest_open, farthest, is_farthest_open) = match bound.side {
            Side::Above => (self.low, self.is_low_open, self.high, self.is_high_open),
            Side::Below => (self.high, self.is_high_open, self.low, self.is_low_open),
        };
        let beyond = |value: f64| bound.side.is_beyond(value, bound.value);
        if beyond(nearest) || (nearest == bound.value && (bound.inclusive || is_nearest_open)) {
            Answer::Met
        } else if beyond(farthest) || (farthest == bound.value && bound.inclusive && !is_farthest_open) {
            Answer::Unknown
        } else {
            Answer::NotMet
        }
    }

    /// The mean of several; their ends' means.
    pub fn mean(values: &[Self]) -> Option<Self> {
        let first = *values.first()?;
        if values.len() == 1 {
            return Some(first);
        }
        let count = f64::from(u32::try_from(values.len()).ok()?);
        let mean = |end: fn(&Self) -> f64| rounded(values.iter().map(end).sum::<f64>() / count);
        Some(Self {
            low: mean(|value| value.low),
            high: mean(|value| value.high),
            is_low_open: values.iter().any(|value| value.is_low_open),
            is_high_open: values.iter().any(|value| value.is_high_open),
        })
    }

    /// `84`, `>250`, `5 to 10`.
    pub fn words(self) -> String {
        if let Some(number) = self.number() {
            return number.to_string();
        }
        match (self.low.is_finite(), self.high.is_finite()) {
            (true, false) => format!("{}{}", if self.is_low_open { ">" } else { ">=" }, self.low),
            (false, true) => format!("{}{}", if self.is_high_open { "<" } else { "<=" }, self.high),
            _ => format!("{} to {}", self.low, self.high),
        }
    }
}

/// Sums and conversions are binary arithmetic; thresholds are decimal. A millionth is below what any device tells.
pub fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(side: Side, inclusive: bool, value: f64) -> Bound {
        Bound { side, inclusive, value }
    }

    #[test]
    fn a_comparator_leaves_open_what_it_does_not_say() {
        let above = Interval::of(Some(">"), 250.0).unwrap();
        let under = Interval::of(Some("<"), 5.0).unwrap();
        assert_eq!(above.asked(bound(Side::Above, false, 240.0)), Answer::Met);
        assert_eq!(above.asked(bound(Side::Above, false, 250.0)), Answer::Met);
        assert_eq!(above.asked(bound(Side::Above, false, 300.0)), Answer::Unknown);
        assert_eq!(above.asked(bound(Side::Below, true, 250.0)), Answer::NotMet);
        assert_eq!(under.asked(bound(Side::Below, false, 3.0)), Answer::Unknown);
        assert_eq!(under.asked(bound(Side::Below, false, 5.0)), Answer::Met);
        assert_eq!(under.asked(bound(Side::Above, true, 5.0)), Answer::NotMet);
        let at_most = Interval::of(Some("<="), 5.0).unwrap();
        assert_eq!(at_most.asked(bound(Side::Below, false, 5.0)), Answer::Unknown);
        assert_eq!(at_most.asked(bound(Side::Above, true, 5.0)), Answer::Unknown);
        assert_eq!(at_most.asked(bound(Side::Above, false, 5.0)), Answer::NotMet);
        assert_eq!(Interval::of(Some("ad"), 5.0), None);
    }

    #[test]
    fn a_number_is_beyond_a_bound_or_not() {
        let value = Interval::exactly(140.0);
        assert_eq!(value.asked(bound(Side::Above, false, 140.0)), Answer::NotMet);
        assert_eq!(value.asked(bound(Side::Above, true, 140.0)), Answer::Met);
        assert_eq!(value.asked(bound(Side::Below, true, 140.0)), Answer::Met);
        assert_eq!(value.asked(bound(Side::Below, false, 140.0)), Answer::NotMet);
    }

    #[test]
    fn a_mean_of_comparators_stays_open() {
        let mean = Interval::mean(&[Interval::exactly(100.0), Interval::of(Some(">"), 200.0).unwrap()]).unwrap();
        assert_eq!(mean.words(), ">150");
        assert_eq!(Interval::mean(&[Interval::exactly(90.0), Interval::exactly(95.0)]).unwrap().words(), "92.5");
    }
}
