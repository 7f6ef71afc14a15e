//! The steps of one message on its way, each with when it began and how long it took. Where no traces are made it notes nothing and reads no
//! clock.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;

/// A message about many patients goes through some steps for each: so many are told apart, and the last takes in the rest.
const MOST_STEPS: usize = 200;

/// One message's way.
#[derive(Default)]
pub struct Journey(Option<Way>);

struct Way {
    began: SystemTime,
    counting: Instant,
    steps: Mutex<Vec<(&'static str, Duration)>>,
}

/// A step, with when it began and ended.
pub(super) type Step = (&'static str, SystemTime, SystemTime);

impl Journey {
    pub(super) fn begun(at: Timestamp) -> Self {
        Self(Some(Way { began: at.into(), counting: Instant::now(), steps: Mutex::default() }))
    }

    /// The step before is over, and this one begins.
    pub fn enter(&self, step: &'static str) {
        let Some(way) = &self.0 else { return };
        let mut steps = way.steps.lock().unwrap_or_else(PoisonError::into_inner);
        if steps.len() < MOST_STEPS {
            steps.push((step, way.counting.elapsed()));
        }
    }

    /// The whole, and its steps; none where nothing was noted.
    pub(super) fn end(self) -> Option<(SystemTime, SystemTime, Vec<Step>)> {
        let Way { began, counting, steps } = self.0?;
        let (ended, steps) = (counting.elapsed(), steps.into_inner().unwrap_or_else(PoisonError::into_inner));
        let ends = steps.iter().skip(1).map(|(_, from)| *from).chain([ended]);
        let told = steps.iter().zip(ends).map(|((step, from), until)| (*step, began + *from, began + until));
        Some((began, began + ended, told.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_ends_where_the_next_begins_and_the_last_with_the_whole() {
        let journey = Journey::begun("2026-03-02T20:00:00Z".parse().unwrap());
        ["parse", "map", "commit"].into_iter().for_each(|step| journey.enter(step));
        let (began, ended, steps) = journey.end().unwrap();
        assert_eq!(steps.iter().map(|(step, ..)| *step).collect::<Vec<_>>(), ["parse", "map", "commit"]);
        assert!(steps.windows(2).all(|pair| pair[0].2 == pair[1].1) && steps[2].2 == ended && steps[0].1 >= began);
        let many = Journey::begun(Timestamp::UNIX_EPOCH);
        (0..1_000).for_each(|_| many.enter("merge"));
        assert_eq!(many.end().unwrap().2.len(), MOST_STEPS);
        Journey::default().enter("parse");
        assert!(Journey::default().end().is_none());
    }
}
