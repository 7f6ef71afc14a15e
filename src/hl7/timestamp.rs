//! DTM and TS (HL7 v2.5.1, 2.A.22): dates and times as precise as they were written, and their FHIR form. Values are birth
//! dates as often as not, so faults never quote them.

use jiff::civil::{Date, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// How much of a date and time was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precision {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    /// With this many digits, 1 to 4.
    Fraction(u8),
}

/// `YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]`, checked against the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateTime {
    /// The first day of what was written.
    date: Date,
    /// The first moment of what was written.
    time: Time,
    precision: Precision,
    offset: Option<Offset>,
}

/// Why some text is not a date or time. The text never quotes the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DateTimeFault {
    #[error("is empty")]
    Empty,
    #[error("is not written as YYYYMMDDHHMMSS: separators such as - / : T are not used in HL7 version 2")]
    Separators,
    #[error("has characters that do not belong in a date or time (YYYYMMDDHHMMSS.SSSS+ZZZZ)")]
    Characters,
    #[error("has a wrong number of digits: write YYYY, YYYYMM, YYYYMMDD, or add HH, MM and SS")]
    Digits,
    #[error("has more than four digits, or none, after the decimal point, or a fraction without seconds")]
    Fraction,
    #[error("has a year that is not between 0001 and 9999")]
    Year,
    #[error("has a month that is not between 01 and 12")]
    Month,
    #[error("has a day that this month does not have")]
    Day,
    #[error("has an hour that is not between 00 and 23; write midnight as 0000 of the next day")]
    Hour,
    #[error("has a minute that is not between 00 and 59")]
    Minute,
    #[error("has a second that is not between 00 and 59")]
    Second,
    #[error("has an offset from UTC that is not between -1400 and +1400, written with four digits")]
    Offset,
}

impl DateTime {
    /// Reads a DTM, or the first component of a TS. Blanks around it are ignored.
    ///
    /// # Errors
    /// Says which part of it cannot be.
    pub fn parse(text: &str) -> Result<Self, DateTimeFault> {
        let text = text.trim();
        if text.is_empty() {
            return Err(DateTimeFault::Empty);
        }
        let (local, offset) = match text.find(['+', '-']) {
            Some(at) if at >= 4 => {
                let (local, offset) = text.split_at(at);
                if local.len() <= 7 && offset.starts_with('-') && offset.len() != 5 || offset.matches('-').count() > 1 {
                    return Err(DateTimeFault::Separators);
                }
                (local, Some(parse_offset(offset)?))
            }
            _ => (text, None),
        };
        let (digits, fraction) = match local.split_once('.') {
            Some((digits, fraction)) => (digits, Some(fraction)),
            None => (local, None),
        };
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            let is_separated = digits.bytes().all(|byte| byte.is_ascii_digit() || b"-/:T ".contains(&byte));
            return Err(if is_separated { DateTimeFault::Separators } else { DateTimeFault::Characters });
        }
        let precision = precision_of(digits.len(), fraction)?;
        let (date, time) = read_calendar(digits, fraction.unwrap_or_default())?;
        Ok(Self { date, time, precision, offset })
    }

    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Whether the sender said how far from UTC it is.
    pub fn has_offset(&self) -> bool {
        self.offset.is_some()
    }

    /// The first day of what was written.
    pub fn first_day(&self) -> Date {
        self.date
    }

    /// FHIR `date` as precise as what was written, without time of day: `2026`, `2026-03`, `2026-03-01`.
    pub fn to_fhir_date(&self) -> String {
        let date = self.date;
        match self.precision {
            Precision::Year => format!("{:04}", date.year()),
            Precision::Month => format!("{:04}-{:02}", date.year(), date.month()),
            _ => format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day()),
        }
    }

    /// FHIR `dateTime`. Where no offset was written, the sender's zone gives it. FHIR knows no bare hour and no time without
    /// seconds: what is missing below the hour is written as zero, which FHIR says to ignore for seconds.
    pub fn to_fhir_date_time(&self, zone: &TimeZone) -> String {
        if self.precision < Precision::Hour {
            return self.to_fhir_date();
        }
        let offset = self.offset_in(zone);
        let (time, sign) = (self.time, if offset.is_negative() { '-' } else { '+' });
        let minutes = offset.seconds().unsigned_abs() / 60;
        let fraction = match self.precision {
            Precision::Fraction(digits) => {
                let nanoseconds = format!("{:09}", time.subsec_nanosecond());
                format!(".{}", nanoseconds.get(..usize::from(digits)).unwrap_or_default())
            }
            _ => String::new(),
        };
        format!(
            "{}T{:02}:{:02}:{:02}{fraction}{sign}{:02}:{:02}",
            self.to_fhir_date(),
            time.hour(),
            time.minute(),
            time.second(),
            minutes / 60,
            minutes % 60
        )
    }

    /// FHIR `instant`, which wants seconds: nothing where less was written.
    pub fn to_fhir_instant(&self, zone: &TimeZone) -> Option<String> {
        (self.precision >= Precision::Second).then(|| self.to_fhir_date_time(zone))
    }

    /// The first moment of what was written. In a gap of the zone's clock, the moment as far after the gap as written.
    pub fn to_timestamp(&self, zone: &TimeZone) -> Timestamp {
        let local = self.date.to_datetime(self.time);
        let zone = self.offset.map_or_else(|| zone.clone(), TimeZone::fixed);
        // Only the first and last hours of the calendar have no timestamp.
        let edge = if self.date.year() > 5000 { Timestamp::MAX } else { Timestamp::MIN };
        zone.to_timestamp(local).unwrap_or(edge)
    }

    fn offset_in(&self, zone: &TimeZone) -> Offset {
        self.offset.unwrap_or_else(|| zone.to_offset(self.to_timestamp(zone)))
    }
}

fn parse_offset(text: &str) -> Result<Offset, DateTimeFault> {
    let (sign, digits) = text.split_at(1);
    if digits.contains(':') {
        return Err(DateTimeFault::Separators);
    }
    let number = |range| digits.get(range).and_then(|part: &str| part.parse::<i64>().ok());
    let is_plain = digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let (Some(hours), Some(minutes), true) = (number(0..2), number(2..4), is_plain) else {
        return Err(DateTimeFault::Offset);
    };
    if minutes > 59 || hours * 60 + minutes > 14 * 60 {
        return Err(DateTimeFault::Offset);
    }
    let offset = SignedDuration::from_mins(if sign == "-" { -(hours * 60 + minutes) } else { hours * 60 + minutes });
    Offset::try_from(offset).map_err(|_| DateTimeFault::Offset)
}

fn precision_of(digits: usize, fraction: Option<&str>) -> Result<Precision, DateTimeFault> {
    let precision = match digits {
        4 => Precision::Year,
        6 => Precision::Month,
        8 => Precision::Day,
        10 => Precision::Hour,
        12 => Precision::Minute,
        14 => Precision::Second,
        _ => return Err(DateTimeFault::Digits),
    };
    match fraction {
        None => Ok(precision),
        Some(fraction) if !fraction.bytes().all(|byte| byte.is_ascii_digit()) => Err(DateTimeFault::Characters),
        Some(fraction) if precision == Precision::Second && (1..=4).contains(&fraction.len()) => {
            Ok(Precision::Fraction(u8::try_from(fraction.len()).unwrap_or(4)))
        }
        Some(_) => Err(DateTimeFault::Fraction),
    }
}

/// All of `digits` and `fraction` are ASCII digits, and their counts are right.
fn read_calendar(digits: &str, fraction: &str) -> Result<(Date, Time), DateTimeFault> {
    let part = |from: usize, to: usize, absent: i16| match digits.get(from..to) {
        Some(part) => part.parse::<i16>().unwrap_or(-1),
        None => absent,
    };
    let small = |value: i16, low: i8, high: i8, fault: DateTimeFault| match i8::try_from(value) {
        Ok(value) if (low..=high).contains(&value) => Ok(value),
        _ => Err(fault),
    };
    let year = part(0, 4, 0);
    if year < 1 {
        return Err(DateTimeFault::Year);
    }
    let month = small(part(4, 6, 1), 1, 12, DateTimeFault::Month)?;
    let day = small(part(6, 8, 1), 1, 31, DateTimeFault::Day)?;
    let date = Date::new(year, month, day).map_err(|_| DateTimeFault::Day)?;
    let hour = small(part(8, 10, 0), 0, 23, DateTimeFault::Hour)?;
    let minute = small(part(10, 12, 0), 0, 59, DateTimeFault::Minute)?;
    let second = small(part(12, 14, 0), 0, 59, DateTimeFault::Second)?;
    let nanoseconds = format!("{fraction:0<9}").parse::<i32>().unwrap_or(0);
    let time = Time::new(hour, minute, second, nanoseconds).map_err(|_| DateTimeFault::Second)?;
    Ok((date, time))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone() -> TimeZone {
        TimeZone::get("America/Chicago").unwrap()
    }

    #[test]
    fn partial_precision_is_kept() {
        let zone = zone();
        for (text, date_time) in [
            ("2026", "2026"),
            ("202603", "2026-03"),
            ("20260301", "2026-03-01"),
            ("20260301+0100", "2026-03-01"),
            ("2026030114", "2026-03-01T14:00:00-06:00"),
            ("202607011430", "2026-07-01T14:30:00-05:00"),
            ("20260301143007", "2026-03-01T14:30:07-06:00"),
            ("20260301143007.25", "2026-03-01T14:30:07.25-06:00"),
            ("198908181126+0215", "1989-08-18T11:26:00+02:15"),
            (" 20260301143007-0000 ", "2026-03-01T14:30:07+00:00"),
        ] {
            assert_eq!(DateTime::parse(text).unwrap().to_fhir_date_time(&zone), date_time, "{text}");
        }
        assert_eq!(DateTime::parse("20260301143007").unwrap().to_fhir_date(), "2026-03-01");
        assert_eq!(DateTime::parse("202603011430").unwrap().to_fhir_instant(&zone), None);
    }

    #[test]
    fn impossible_dates_say_what_cannot_be() {
        for (text, fault) in [
            ("", DateTimeFault::Empty),
            ("20260230", DateTimeFault::Day),
            ("20261301", DateTimeFault::Month),
            ("00000000", DateTimeFault::Year),
            ("202603012400", DateTimeFault::Hour),
            ("202603011260", DateTimeFault::Minute),
            ("20260301120060", DateTimeFault::Second),
            ("03/01/2026", DateTimeFault::Separators),
            ("2026-03-01", DateTimeFault::Separators),
            ("2026-03-01T14:30:00", DateTimeFault::Separators),
            ("2026-01", DateTimeFault::Separators),
            ("20260301 14:30", DateTimeFault::Separators),
            ("20260301X", DateTimeFault::Characters),
            ("2026030", DateTimeFault::Digits),
            ("20260301.5", DateTimeFault::Fraction),
            ("20260301120000.12345", DateTimeFault::Fraction),
            ("20260301120000+9900", DateTimeFault::Offset),
            ("20260301120000+05", DateTimeFault::Offset),
        ] {
            assert_eq!(DateTime::parse(text), Err(fault), "{text}");
        }
    }

    #[test]
    fn the_zone_decides_only_where_the_sender_was_silent() {
        let silent = DateTime::parse("20260308023000").unwrap();
        assert_eq!(
            silent.to_timestamp(&zone()).to_string(),
            "2026-03-08T08:30:00Z",
            "a local time that the clock skips"
        );
        let explicit = DateTime::parse("20260301120000+0100").unwrap();
        assert_eq!(explicit.to_timestamp(&zone()).to_string(), "2026-03-01T11:00:00Z");
    }
}
