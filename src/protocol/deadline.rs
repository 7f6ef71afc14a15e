//! Spans of time as protocols write them ("2 business days", "28 d", "30 min") and what they mean on a practice's wall.

use std::fmt;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::calendar::{Calendar, add_days};

/// A span of time. Minutes and hours pass by the clock; days end with the day, in the practice's zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadline {
    Minutes(u32),
    Days(u32),
    BusinessDays(u32),
}

/// A sender's clock may run ahead by so much without its message waiting.
pub const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(15);

/// Longer than any care programme; a bound against slips of the pen.
const LONGEST_DAYS: u32 = 36_525;

/// Where and when a practice works.
#[derive(Debug, Clone, Copy)]
pub struct Working<'a> {
    pub zone: &'a TimeZone,
    pub calendar: &'a Calendar,
}

impl Deadline {
    /// Reads `30 min`, `4 h`, `7 d`, `2 business days`, `12 weeks`. None for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (count, unit) = text.split_at_checked(digits)?;
        let count: u32 = count.parse().ok()?;
        let deadline = match unit.trim() {
            "min" | "minutes" | "minute" => Self::Minutes(count),
            "h" | "hours" | "hour" => Self::Minutes(count.checked_mul(60)?),
            "d" | "days" | "day" => Self::Days(count),
            "weeks" | "week" => Self::Days(count.checked_mul(7)?),
            "business days" | "business day" => Self::BusinessDays(count),
            _ => return None,
        };
        let days = match deadline {
            Self::Minutes(minutes) => minutes / 1440,
            Self::Days(days) | Self::BusinessDays(days) => days,
        };
        // Nothing lost: a fault of the protocol's file, told when the site is loaded.
        (days <= LONGEST_DAYS).then_some(deadline)
    }

    /// The last second by which something counted from `start` must be done.
    pub fn due(self, start: Timestamp, working: Working<'_>) -> Timestamp {
        let date = start.to_zoned(working.zone.clone()).date();
        match self {
            Self::Minutes(_) => self.after(start),
            Self::Days(days) => end_of(add_days(date, i64::from(days)), working.zone),
            Self::BusinessDays(days) => end_of(working.calendar.add_business_days(date, days), working.zone),
        }
    }

    /// The plain length later: a day is 24 hours. For windows ("within 48 h of"), not for due dates.
    pub fn after(self, start: Timestamp) -> Timestamp {
        start.saturating_add(self.length()).unwrap_or(start)
    }

    /// The plain length earlier.
    pub fn before(self, end: Timestamp) -> Timestamp {
        end.saturating_sub(self.length()).unwrap_or(end)
    }

    /// When a window of this length opens that ends at a moment. Days are dates on the practice's wall: yesterday's is within a
    /// day whatever the hour.
    pub fn opens(self, end: Timestamp, zone: &TimeZone) -> Timestamp {
        let Self::Days(days) = self else { return self.before(end) };
        let midnight = add_days(end.to_zoned(zone.clone()).date(), -i64::from(days)).to_datetime(Time::midnight());
        zone.to_timestamp(midnight).unwrap_or_else(|_| self.before(end))
    }

    /// So many days more.
    pub fn and_days(self, more: u32) -> Self {
        match self {
            Self::Minutes(minutes) => Self::Minutes(minutes.saturating_add(more.saturating_mul(1440))),
            Self::Days(days) | Self::BusinessDays(days) => Self::Days(days.saturating_add(more)),
        }
    }

    pub fn length(self) -> SignedDuration {
        match self {
            Self::Minutes(minutes) => SignedDuration::from_mins(i64::from(minutes)),
            Self::Days(days) | Self::BusinessDays(days) => SignedDuration::from_hours(24 * i64::from(days)),
        }
    }
}

fn end_of(date: Date, zone: &TimeZone) -> Timestamp {
    let evening = date.to_datetime(Time::constant(23, 59, 59, 0));
    zone.to_timestamp(evening).unwrap_or(Timestamp::MAX)
}

impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Minutes(minutes) if minutes % 60 == 0 && *minutes > 0 => write!(f, "{} h", minutes / 60),
            Self::Minutes(minutes) => write!(f, "{minutes} min"),
            Self::Days(1) => write!(f, "1 day"),
            Self::Days(days) => write!(f, "{days} days"),
            Self::BusinessDays(1) => write!(f, "1 business day"),
            Self::BusinessDays(days) => write!(f, "{days} business days"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_people_write_them() {
        assert_eq!(Deadline::parse("2 business days"), Some(Deadline::BusinessDays(2)));
        assert_eq!(Deadline::parse("365 d"), Some(Deadline::Days(365)));
        assert_eq!(Deadline::parse("4 h"), Some(Deadline::Minutes(240)));
        assert_eq!(Deadline::parse("4 fortnights"), None);
        assert_eq!(Deadline::parse("99999999999 d"), None);
        assert_eq!(Deadline::parse("h"), None);
    }

    #[test]
    fn a_window_of_days_opens_with_a_date() {
        let zone = TimeZone::get("America/New_York").unwrap();
        let evening: Timestamp = "2026-03-04T03:30:00Z".parse().unwrap();
        assert_eq!(Deadline::Days(1).opens(evening, &zone).to_string(), "2026-03-02T05:00:00Z");
        assert_eq!(Deadline::Minutes(60).opens(evening, &zone).to_string(), "2026-03-04T02:30:00Z");
    }

    #[test]
    fn days_end_with_the_day_in_the_practices_zone() {
        let zone = TimeZone::get("America/New_York").unwrap();
        let calendar = Calendar::weekends();
        let working = Working { zone: &zone, calendar: &calendar };
        // Friday 23:30 in New York is Saturday in UTC; two business days later is Tuesday.
        let discharge: Timestamp = "2026-03-07T04:30:00Z".parse().unwrap();
        let due = Deadline::BusinessDays(2).due(discharge, working);
        assert_eq!(due.to_string(), "2026-03-11T03:59:59Z");
    }
}
