//! Days as the oracle counts them: typed from the federal list of 2026, and nothing of the engine's.

use jiff::civil::{Date, Weekday, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

const HOLIDAYS: [Date; 13] = [
    date(2026, 1, 1),
    date(2026, 1, 19),
    date(2026, 2, 16),
    date(2026, 5, 25),
    date(2026, 6, 19),
    date(2026, 7, 3),
    date(2026, 9, 7),
    date(2026, 10, 12),
    date(2026, 11, 11),
    date(2026, 11, 26),
    date(2026, 12, 25),
    date(2027, 1, 1),
    date(2027, 1, 18),
];

pub fn zone() -> TimeZone {
    TimeZone::get("America/New_York").unwrap()
}

pub fn day(at: Timestamp) -> Date {
    at.to_zoned(zone()).date()
}

pub fn business_days_later(from: Date, count: u32) -> Date {
    let mut at = from;
    let mut left = count;
    while left > 0 {
        at = at.tomorrow().unwrap();
        let is_free = matches!(at.weekday(), Weekday::Saturday | Weekday::Sunday) || HOLIDAYS.contains(&at);
        left -= u32::from(!is_free);
    }
    at
}

pub fn days_later(from: Date, count: i64) -> Date {
    from.checked_add(count.days()).unwrap()
}

/// From one date to another.
pub fn days_between(from: Date, to: Date) -> i64 {
    i64::from(to.since(from).unwrap().get_days())
}
