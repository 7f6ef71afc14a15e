//! How steeply values go over days: the median of the slopes between each two days (Theil and Sen), which one odd value among many
//! does not move. What cannot be judged (too few days, or all of them close together) has no value.

use std::collections::VecDeque;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::interval::{Interval, rounded};
use super::readings::Reading;
use super::rule::{Derived, Steepness};
use crate::protocol::calendar::days_between;
use crate::protocol::deadline::Deadline;

/// One day with its readings.
struct Day {
    date: Date,
    sum: f64,
    count: u32,
}

/// Fills a series of trends; readings are oldest first.
pub fn reckon(readings: &mut [Reading], (place, derived): (usize, Derived), steepness: Steepness, zone: &TimeZone) {
    let mut days: VecDeque<Day> = VecDeque::new();
    for reading in readings {
        let Some(number) = reading.values.get(derived.of).copied().flatten().and_then(Interval::number) else {
            // Nothing lost: of what is not stated, or is no one number, no slope can be told.
            continue;
        };
        let date = reading.at.to_zoned(zone.clone()).date();
        match days.back_mut().filter(|day| day.date == date) {
            Some(day) => (day.sum, day.count) = (day.sum + number, day.count + 1),
            None => days.push_back(Day { date, sum: number, count: 1 }),
        }
        while days.front().is_some_and(|day| days_between(day.date, date) > i64::from(length(derived.within))) {
            days.pop_front();
        }
        if let Some(own) = reading.values.get_mut(place) {
            *own = slope(&days, steepness.least, length(derived.within))
                .map(|slope| Interval::exactly(rounded(slope * f64::from(length(steepness.per)))));
        }
    }
}

fn length(span: Deadline) -> u32 {
    u32::try_from(span.length().as_hours() / 24).unwrap_or(u32::MAX)
}

/// By day; none with fewer days than asked, or where the first and the last of them are less than half the time apart.
fn slope(days: &VecDeque<Day>, least: usize, within: u32) -> Option<f64> {
    let (first, last) = (days.front()?, days.back()?);
    if days.len() < least || days_between(first.date, last.date) * 2 < i64::from(within) {
        return None;
    }
    let mean = |day: &Day| day.sum / f64::from(day.count);
    let mut slopes = Vec::with_capacity(days.len() * days.len() / 2);
    for (place, later) in days.iter().enumerate() {
        // Nothing lost: each two days are compared once.
        for earlier in days.iter().take(place) {
            let apart = i32::try_from(days_between(earlier.date, later.date)).ok()?; // Nothing lost: a window is of weeks.
            slopes.push((mean(later) - mean(earlier)) / f64::from(apart));
        }
    }
    slopes.sort_unstable_by(f64::total_cmp);
    let upper = *slopes.get(slopes.len() / 2)?;
    let lower = *slopes.get(slopes.len().saturating_sub(1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(values: &[(i8, f64)]) -> VecDeque<Day> {
        let day = |(day, value): &(i8, f64)| Day { date: Date::constant(2026, 3, *day), sum: *value * 2.0, count: 2 };
        values.iter().map(day).collect()
    }

    #[test]
    fn one_odd_value_among_many_does_not_move_it() {
        let even = days(&[(1, 80.0), (3, 80.4), (5, 80.8), (7, 81.2), (9, 81.6)]);
        let odd = days(&[(1, 80.0), (3, 80.4), (5, 95.0), (7, 81.2), (9, 81.6)]);
        assert!((slope(&even, 5, 14).unwrap() - 0.2).abs() < 1e-9);
        assert!((slope(&odd, 5, 14).unwrap() - 0.2).abs() < 1e-9);
    }

    #[test]
    fn too_few_days_or_days_close_together_cannot_be_judged() {
        let week = days(&[(1, 80.0), (2, 80.0), (3, 80.0), (8, 81.0)]);
        assert_eq!(slope(&week, 5, 14), None);
        assert_eq!(slope(&week, 4, 15), None);
        // Of the six slopes three are 0, and the others 1/7, 1/6 and 1/5.
        assert!((slope(&week, 4, 14).unwrap() - 1.0 / 14.0).abs() < 1e-9);
    }
}
