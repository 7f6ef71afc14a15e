//! One number of a month: how much there was, how much of it was done in time, what can still be done in time, and what was left out with why.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::definition::{Definition, MEASURES};
use crate::protocol::Reckoned;

/// One number of one month.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MeasureCount {
    pub measure: String,
    pub numerator: u64,
    /// People's weeks are no whole number.
    pub denominator: f64,
    /// Not done, and there is time: in neither.
    pub in_time_still: u64,
    /// In neither, by why.
    pub left_out: BTreeMap<String, u64>,
}

impl MeasureCount {
    /// The share, or the rate; none where there is nothing to count.
    pub fn value(&self) -> Option<f64> {
        (self.denominator > 0.0).then(|| self.numerator as f64 / self.denominator)
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.denominator == 0.0 && self.in_time_still == 0 && self.left_out.is_empty()
    }

    pub fn definition(&self) -> Option<&'static Definition> {
        MEASURES.iter().find(|definition| definition.id == self.measure)
    }

    /// "1 went on to another hospital …; 2 still in time".
    pub fn left_out_words(&self) -> String {
        let still = (self.in_time_still > 0).then(|| format!("{} not done yet and still in time", self.in_time_still));
        let left = self.left_out.iter().map(|(why, count)| format!("{count} left out: {why}"));
        still.into_iter().chain(left).collect::<Vec<_>>().join("; ")
    }

    /// Counts one thing.
    pub(super) fn add(&mut self, one: &Reckoned, now: Timestamp) {
        let in_time = one.done.is_some_and(|done| done <= one.due);
        match one.left_out {
            // What was done in time counts whatever became of it.
            _ if in_time => {
                self.numerator += 1;
                self.denominator += 1.0;
            }
            Some(why) => *self.left_out.entry(why.to_string()).or_default() += 1,
            None if one.done.is_none() && one.due > now => self.in_time_still += 1,
            None => self.denominator += 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{PersonId, ResourceId};
    use crate::protocol::Measured;

    fn at(day: u8) -> Timestamp {
        format!("2026-03-{day:02}T12:00:00Z").parse().unwrap()
    }

    #[test]
    fn each_thing_counts_once_and_what_does_not_is_said() {
        let id = ResourceId::of(PersonId::SHARED, "Encounter", "1");
        let about = ("Encounter", id);
        let one = |due: u8, done: Option<u8>, left_out| Reckoned {
            measure: Measured::FollowUp7,
            about,
            from: at(1),
            due: at(due),
            done: done.map(at),
            left_out,
            person: None,
            level: String::new(),
        };
        let mut counted = MeasureCount::default();
        for one in [
            one(8, Some(8), None),
            one(8, Some(9), None),
            one(8, None, None),
            one(20, None, None),
            one(8, None, Some("the patient has died")),
            one(8, Some(3), Some("the patient has died")),
        ] {
            counted.add(&one, at(10));
        }
        assert_eq!((counted.numerator, counted.denominator, counted.in_time_still), (2, 4.0, 1));
        assert_eq!(counted.value(), Some(0.5));
        assert_eq!(counted.left_out_words(), "1 not done yet and still in time; 1 left out: the patient has died");
        assert_eq!(MeasureCount::default().value(), None, "nothing of nothing is no share");
    }
}
