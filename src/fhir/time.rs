//! Dates and times as FHIR and FHIRPath know them: known only as far as they are stated
//! (http://hl7.org/fhir/R4/datatypes.html#dateTime, http://hl7.org/fhirpath/N1/#datetime). Never guesses a part nor a zone.

use std::cmp::Ordering;
use std::fmt;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// How far a date or time is stated. Fractions of a second are not a precision of their own when values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precision {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
}

/// A date, dateTime or instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PartialDateTime {
    /// Parts that are not stated stand at their lowest.
    pub civil: DateTime,
    pub precision: Precision,
    /// Digits after the decimal point of the seconds.
    pub fraction_digits: u8,
    /// The offset from UTC, when one is stated.
    pub offset: Option<Offset>,
}

/// A time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PartialTime {
    pub civil: Time,
    pub precision: Precision,
    pub fraction_digits: u8,
}

impl PartialDateTime {
    /// Reads `2026`, `2026-01`, `2026-01-31`, and with a time stated to the hour or finer, with or without an offset.
    /// None for anything else, impossible days among it. A leap second is read as the second before it.
    pub fn parse(text: &str) -> Option<Self> {
        let (date_text, time_text) = match text.split_once('T') {
            Some((date, time)) => (date, Some(time)),
            None => (text, None),
        };
        let (date, mut precision) = parse_date(date_text)?;
        let Some(time_text) = time_text.filter(|time| !time.is_empty()) else {
            let civil = DateTime::from_parts(date, Time::midnight());
            return Some(Self { civil, precision, fraction_digits: 0, offset: None });
        };
        if precision != Precision::Day {
            return None;
        }
        let (clock_text, offset) = split_offset(time_text)?;
        let time = PartialTime::parse(clock_text)?;
        precision = time.precision;
        let civil = DateTime::from_parts(date, time.civil);
        Some(Self { civil, precision, fraction_digits: time.fraction_digits, offset })
    }

    /// A moment, to the millisecond, at the given offset.
    pub fn from_timestamp(moment: Timestamp, offset: Offset) -> Self {
        let civil = offset.to_datetime(moment);
        let kept = civil.subsec_nanosecond() / 1_000_000 * 1_000_000;
        let civil = civil.with().subsec_nanosecond(kept).build().unwrap_or(civil);
        Self { civil, precision: Precision::Millisecond, fraction_digits: 3, offset: Some(offset) }
    }

    /// The same, stated no further than the day.
    pub fn date(self) -> Self {
        let civil = DateTime::from_parts(self.civil.date(), Time::midnight());
        Self { civil, precision: self.precision.min(Precision::Day), fraction_digits: 0, offset: None }
    }

    /// The same moment in UTC, when an offset is stated.
    fn in_utc(self) -> DateTime {
        let seconds = self.offset.map_or(0, Offset::seconds);
        let shift = SignedDuration::from_secs(i64::from(seconds));
        self.civil.checked_sub(shift).unwrap_or(self.civil)
    }

    /// Which comes first; none where it cannot be known: one is stated further than the other and they agree as far as
    /// both are stated, or only one states an offset and both state a time.
    pub fn compare(self, other: Self) -> Option<Ordering> {
        let both_timed = self.precision > Precision::Day && other.precision > Precision::Day;
        if both_timed && self.offset.is_some() != other.offset.is_some() {
            return None;
        }
        let (left, right) = if both_timed { (self.in_utc(), other.in_utc()) } else { (self.civil, other.civil) };
        let shared = self.precision.min(other.precision);
        let order = compare_parts(left, right, shared);
        let same_precision =
            self.precision.min(Precision::Second) == other.precision.min(Precision::Second) || order.is_ne();
        same_precision.then_some(order)
    }

    /// The first moment it may mean and the first it cannot mean any more; `zone` is used where no offset is stated.
    /// None for moments that cannot be represented.
    pub fn range(self, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
        let civil_end = match self.precision {
            Precision::Year => self.civil.checked_add(jiff::Span::new().years(1)),
            Precision::Month => self.civil.checked_add(jiff::Span::new().months(1)),
            Precision::Day => self.civil.checked_add(jiff::Span::new().days(1)),
            Precision::Hour => self.civil.checked_add(SignedDuration::from_hours(1)),
            Precision::Minute => self.civil.checked_add(SignedDuration::from_mins(1)),
            Precision::Second => self.civil.checked_add(SignedDuration::from_secs(1)),
            Precision::Millisecond => {
                let steps = 10_i64.checked_pow(9_u32.saturating_sub(u32::from(self.fraction_digits))).unwrap_or(1);
                self.civil.checked_add(SignedDuration::from_nanos(steps))
            }
        };
        let moment = |civil: DateTime| match self.offset {
            Some(offset) => offset.to_timestamp(civil).ok(),
            None => zone.to_timestamp(civil).ok(),
        };
        Some((moment(self.civil)?, moment(civil_end.ok()?)?))
    }
}

fn compare_parts(left: DateTime, right: DateTime, shared: Precision) -> Ordering {
    let parts = |civil: DateTime| {
        let date = civil.date();
        let time = civil.time();
        let month = if shared >= Precision::Month { date.month() } else { 0 };
        let day = if shared >= Precision::Day { date.day() } else { 0 };
        (date.year(), month, day, time_parts(time, shared))
    };
    parts(left).cmp(&parts(right))
}

fn time_parts(time: Time, shared: Precision) -> (i8, i8, i8, i32) {
    let hour = if shared >= Precision::Hour { time.hour() } else { 0 };
    let minute = if shared >= Precision::Minute { time.minute() } else { 0 };
    let (second, nanosecond) =
        if shared >= Precision::Second { (time.second(), time.subsec_nanosecond()) } else { (0, 0) };
    (hour, minute, second, nanosecond)
}

impl PartialTime {
    /// Reads `14`, `14:30`, `14:30:05` and `14:30:05.123`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let hour = digits(parts.next()?, 2)?;
        let Some(minute) = parts.next() else { return Self::build(hour, 0, 0, 0, Precision::Hour, 0) };
        let minute = digits(minute, 2)?;
        let Some(seconds) = parts.next() else { return Self::build(hour, minute, 0, 0, Precision::Minute, 0) };
        if parts.next().is_some() {
            return None;
        }
        let (second, fraction) = match seconds.split_once('.') {
            Some((second, fraction)) => (second, Some(fraction)),
            None => (seconds, None),
        };
        let second = digits(second, 2)?.min(60);
        let second = if second == 60 { 59 } else { second };
        let Some(fraction) = fraction else { return Self::build(hour, minute, second, 0, Precision::Second, 0) };
        if fraction.is_empty() || fraction.len() > 12 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let kept: String = fraction.chars().chain(std::iter::repeat('0')).take(9).collect();
        let count = u8::try_from(fraction.len()).unwrap_or(9).min(9);
        Self::build(hour, minute, second, kept.parse().ok()?, Precision::Millisecond, count)
    }

    fn build(hour: i16, minute: i16, second: i16, nanosecond: i32, precision: Precision, digits: u8) -> Option<Self> {
        let small = |part: i16| i8::try_from(part).ok();
        let civil = Time::new(small(hour)?, small(minute)?, small(second)?, nanosecond).ok()?;
        Some(Self { civil, precision, fraction_digits: digits })
    }

    /// Which comes first in a day; none where it cannot be known.
    pub fn compare(self, other: Self) -> Option<Ordering> {
        let shared = self.precision.min(other.precision);
        let order = time_parts(self.civil, shared).cmp(&time_parts(other.civil, shared));
        let same = self.precision.min(Precision::Second) == other.precision.min(Precision::Second);
        (same || order.is_ne()).then_some(order)
    }
}

/// Exactly so many digits, as a number.
fn digits(text: &str, count: usize) -> Option<i16> {
    (text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

fn parse_date(text: &str) -> Option<(Date, Precision)> {
    let mut parts = text.split('-');
    let year = digits(parts.next()?, 4).filter(|year| *year > 0)?;
    let Some(month) = parts.next() else { return Some((Date::new(year, 1, 1).ok()?, Precision::Year)) };
    let month = i8::try_from(digits(month, 2)?).ok()?;
    let Some(day) = parts.next() else { return Some((Date::new(year, month, 1).ok()?, Precision::Month)) };
    let day = i8::try_from(digits(day, 2)?).ok()?;
    if parts.next().is_some() {
        return None;
    }
    Some((Date::new(year, month, day).ok()?, Precision::Day))
}

fn split_offset(text: &str) -> Option<(&str, Option<Offset>)> {
    if let Some(clock) = text.strip_suffix('Z') {
        return Some((clock, Some(Offset::UTC)));
    }
    let Some(at) = text.find(['+', '-']) else { return Some((text, None)) };
    let (clock, offset) = text.split_at_checked(at)?;
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let (hours, minutes) = (i32::from(digits(hours, 2)?), i32::from(digits(minutes, 2)?));
    if hours > 14 || minutes > 59 {
        return None;
    }
    Some((clock, Some(Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()?)))
}

impl fmt::Display for PartialDateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = self.civil.date();
        write!(f, "{:04}", date.year())?;
        if self.precision >= Precision::Month {
            write!(f, "-{:02}", date.month())?;
        }
        if self.precision >= Precision::Day {
            write!(f, "-{:02}", date.day())?;
        }
        if self.precision >= Precision::Hour {
            let (civil, precision, fraction_digits) = (self.civil.time(), self.precision, self.fraction_digits);
            write!(f, "T{}", PartialTime { civil, precision, fraction_digits })?;
        }
        match self.offset {
            Some(offset) if offset.is_zero() => f.write_str("Z"),
            Some(offset) => {
                let sign = if offset.seconds() < 0 { '-' } else { '+' };
                let minutes = offset.seconds().abs() / 60;
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
            None => Ok(()),
        }
    }
}

impl fmt::Display for PartialTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.civil.hour())?;
        if self.precision >= Precision::Minute {
            write!(f, ":{:02}", self.civil.minute())?;
        }
        if self.precision >= Precision::Second {
            write!(f, ":{:02}", self.civil.second())?;
        }
        if self.precision >= Precision::Millisecond {
            let fraction = format!("{:09}", self.civil.subsec_nanosecond());
            write!(f, ".{}", fraction.get(..usize::from(self.fraction_digits)).unwrap_or(&fraction))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(left: &str, right: &str) -> Option<Ordering> {
        PartialDateTime::parse(left).unwrap().compare(PartialDateTime::parse(right).unwrap())
    }

    #[test]
    fn what_is_stated_is_kept_and_written_again() {
        for text in ["2026", "2026-02", "2026-02-28", "2026-02-28T10:00:00Z", "2026-02-28T10:00:00.120-05:00"] {
            assert_eq!(PartialDateTime::parse(text).unwrap().to_string(), text);
        }
        for text in ["2026-13", "2026-02-30", "26", "2026-02T10:00", "2026-02-28T25:00:00Z", "2026-1-1", "", "0000"] {
            assert_eq!(PartialDateTime::parse(text), None, "{text}");
        }
    }

    #[test]
    fn order_is_unknown_where_precision_ends() {
        assert_eq!(order("2026", "2027-01"), Some(Ordering::Less));
        assert_eq!(order("2026", "2026-01"), None);
        assert_eq!(order("2026-01-01T10:00:00Z", "2026-01-01T12:00:00+02:00"), Some(Ordering::Equal));
        assert_eq!(order("2026-01-01T10:00:00Z", "2026-01-01T10:00:00.000Z"), Some(Ordering::Equal));
        assert_eq!(order("2026-01-01T10:00:00Z", "2026-01-01T12:00:00"), None);
    }

    #[test]
    fn a_range_ends_where_the_next_value_would_start() {
        let (from, to) = PartialDateTime::parse("2026-02").unwrap().range(&TimeZone::UTC).unwrap();
        assert_eq!((from.to_string(), to.to_string()), ("2026-02-01T00:00:00Z".into(), "2026-03-01T00:00:00Z".into()));
    }
}
