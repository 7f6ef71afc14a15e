//! DTM and TS (HL7 v2.5.1, 2.A.22): dates and times as precise as they were written, and their FHIR form. Values are birth
//! dates as often as not, so faults never quote them.

use jiff::civil::{self, Date, Time};
use jiff::tz::Offset;

use super::date_fault::{DateTimeFault, Oddity};
use super::date_text::DateText;

/// How much of a date and time was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precision {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    /// With this many digits, 1 to 9.
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
    /// Whether it was written as 24:00, the end of `date`.
    ends_day: bool,
    oddity: Option<Oddity>,
}

impl DateTime {
    /// Reads a DTM, or the first component of a TS. Blanks around it are ignored; what is written otherwise and leaves no
    /// doubt is read, and [`DateTime::oddity`] says so.
    ///
    /// # Errors
    /// Says which part of it cannot be.
    pub fn parse(text: &str) -> Result<Self, DateTimeFault> {
        let mut text = DateText::read(text)?;
        drop_unknown(&mut text);
        let precision = precision_of(&text);
        let (date, time) = read_calendar(&mut text)?;
        let ends_day = text.digits.get(8..10) == Some("24");
        Ok(Self { date, time, precision, offset: text.offset, ends_day, oddity: text.oddity })
    }

    /// The same, no more precise than the second component of a TS says (2.A.77: `Y`, `L`, `D`, `H`, `M`, `S`).
    #[must_use]
    pub fn as_precise_as(mut self, degree: &str) -> Self {
        let stated = match degree.trim() {
            "Y" => Precision::Year,
            "L" => Precision::Month,
            "D" => Precision::Day,
            "H" => Precision::Hour,
            "M" => Precision::Minute,
            _ => return self,
        };
        self.precision = self.precision.min(stated);
        self
    }

    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// How it was written where that was not as HL7 writes it.
    pub fn oddity(&self) -> Option<Oddity> {
        self.oddity
    }

    /// How far from UTC the sender said that it is.
    pub fn offset(&self) -> Option<Offset> {
        self.offset
    }

    /// Whether the sender said how far from UTC it is.
    pub fn has_offset(&self) -> bool {
        self.offset.is_some()
    }

    /// Whether more than the day was written.
    pub fn has_time(&self) -> bool {
        self.precision >= Precision::Hour
    }

    /// The first day of what was written.
    pub fn first_day(&self) -> Date {
        self.date
    }

    /// FHIR `date` as precise as what was written, without time of day: `2026`, `2026-03`, `2026-03-01`.
    pub fn to_fhir_date(&self) -> String {
        fhir_date(self.date, self.precision)
    }

    /// What stood on the clock.
    pub(super) fn civil(&self) -> civil::DateTime {
        let date = if self.ends_day { self.date.tomorrow().unwrap_or(self.date) } else { self.date };
        date.to_datetime(self.time)
    }
}

pub(super) fn fhir_date(date: Date, precision: Precision) -> String {
    match precision {
        Precision::Year => format!("{:04}", date.year()),
        Precision::Month => format!("{:04}-{:02}", date.year(), date.month()),
        _ => format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day()),
    }
}

/// A month or day written as zeros is one that nobody knows: it goes, with the zeros after it.
fn drop_unknown(text: &mut DateText) {
    for (from, to) in [(4, 6), (6, 8)] {
        let is_unknown = text.digits.get(from..to) == Some("00");
        if is_unknown && text.digits.bytes().skip(from).all(|digit| digit == b'0') {
            // Nothing lost: zeros for what is not known, which the oddity notes.
            text.digits.truncate(from);
            text.fraction = None;
            text.oddity.get_or_insert(Oddity::Unknown);
            return;
        }
    }
}

fn precision_of(text: &DateText) -> Precision {
    match (text.digits.len(), &text.fraction) {
        (4, _) => Precision::Year,
        (6, _) => Precision::Month,
        (8, _) => Precision::Day,
        (10, _) => Precision::Hour,
        (12, _) => Precision::Minute,
        (_, None) => Precision::Second,
        (_, Some(fraction)) => Precision::Fraction(u8::try_from(fraction.len()).unwrap_or(9)),
    }
}

fn read_calendar(text: &mut DateText) -> Result<(Date, Time), DateTimeFault> {
    let part = |from: usize, to: usize, absent: i16| match text.digits.get(from..to) {
        Some(part) => part.parse().unwrap_or(absent),
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
    let hour = small(part(8, 10, 0), 0, 24, DateTimeFault::Hour)?;
    let minute = small(part(10, 12, 0), 0, 59, DateTimeFault::Minute)?;
    let second = small(part(12, 14, 0), 0, 60, DateTimeFault::Second)?;
    let fraction = text.fraction.as_deref().unwrap_or_default();
    let nanoseconds = format!("{fraction:0<9}").parse::<i32>().unwrap_or(0);
    if hour == 24 {
        if (minute, second, nanoseconds) != (0, 0, 0) {
            return Err(DateTimeFault::Hour);
        }
        text.oddity.get_or_insert(Oddity::Midnight);
        return Ok((date, Time::midnight()));
    }
    if second == 60 {
        text.oddity.get_or_insert(Oddity::LeapSecond);
    }
    let time = Time::new(hour, minute, second.min(59), nanoseconds).map_err(|_| DateTimeFault::Second)?;
    Ok((date, time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hl7::SenderClock;
    use jiff::Timestamp;
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    fn clock() -> SenderClock {
        SenderClock::in_zone(TimeZone::get("America/Chicago").unwrap())
    }

    #[test]
    fn partial_precision_is_kept() {
        for (text, date_time) in [
            ("2026", "2026"),
            ("202603", "2026-03"),
            ("20260301", "2026-03-01"),
            ("20260301+0100", "2026-03-01"),
            ("2026-0600", "2026"),
            ("2026030114", "2026-03-01T14:00:00-06:00"),
            ("202607011430", "2026-07-01T14:30:00-05:00"),
            ("20260301143007", "2026-03-01T14:30:07-06:00"),
            ("20260301143007.25", "2026-03-01T14:30:07.25-06:00"),
            ("198908181126+0215", "1989-08-18T11:26:00+02:15"),
            (" 20260301143007-0000 ", "2026-03-01T14:30:07+00:00"),
        ] {
            let read = DateTime::parse(text).unwrap();
            assert_eq!((read.to_fhir_date_time(&clock()).as_str(), read.oddity()), (date_time, None), "{text}");
        }
        assert_eq!(DateTime::parse("20260301143007").unwrap().to_fhir_date(), "2026-03-01");
        let minute = DateTime::parse("202603011430").unwrap().to_fhir_instant(&clock());
        assert_eq!(minute.as_deref(), Some("2026-03-01T14:30:00-06:00"));
        assert_eq!(DateTime::parse("20260301").unwrap().to_fhir_instant(&clock()), None);
        let day = DateTime::parse("20260301143007").unwrap().as_precise_as("D");
        assert_eq!(day.to_fhir_date_time(&clock()), "2026-03-01");
    }

    #[test]
    fn what_a_person_can_read_is_read_and_said() {
        for (text, date_time, oddity) in [
            ("2026-03-01", "2026-03-01", Oddity::Separators),
            ("2026-03", "2026-03", Oddity::Separators),
            ("2026/03/01", "2026-03-01", Oddity::Separators),
            ("2026-03-01T14:30:07Z", "2026-03-01T14:30:07+00:00", Oddity::Separators),
            ("2026-03-01T14:30+01:00", "2026-03-01T14:30:00+01:00", Oddity::Separators),
            ("2026-03-01 14:30:07.123", "2026-03-01T14:30:07.123-06:00", Oddity::Separators),
            ("20260301T1430", "2026-03-01T14:30:00-06:00", Oddity::Separators),
            ("20260301 14:30", "2026-03-01T14:30:00-06:00", Oddity::Separators),
            ("2026030114:30", "2026-03-01T14:30:00-06:00", Oddity::Separators),
            ("20260301143007Z", "2026-03-01T14:30:07+00:00", Oddity::Offset),
            ("20260301143007+01", "2026-03-01T14:30:07+01:00", Oddity::Offset),
            ("20260301143007 -0600", "2026-03-01T14:30:07-06:00", Oddity::Offset),
            ("20260301143007-03:30", "2026-03-01T14:30:07-03:30", Oddity::Offset),
            ("20260301143007.1234567", "2026-03-01T14:30:07.1234567-06:00", Oddity::Fraction),
            ("20260301143007123", "2026-03-01T14:30:07.123-06:00", Oddity::Fraction),
            ("20260301143007,5", "2026-03-01T14:30:07.5-06:00", Oddity::Fraction),
            ("202603012400", "2026-03-02T00:00:00-06:00", Oddity::Midnight),
            ("20261231240000", "2027-01-01T00:00:00-06:00", Oddity::Midnight),
            ("20260301143060", "2026-03-01T14:30:59-06:00", Oddity::LeapSecond),
            ("2026030114300", "2026-03-01T14:30:00-06:00", Oddity::HalfWritten),
            ("20260300", "2026-03", Oddity::Unknown),
            ("20260000000000", "2026", Oddity::Unknown),
        ] {
            let read = DateTime::parse(text).unwrap();
            assert_eq!((read.to_fhir_date_time(&clock()).as_str(), read.oddity()), (date_time, Some(oddity)), "{text}");
        }
        assert_eq!(DateTime::parse("202603012400").unwrap().to_fhir_date(), "2026-03-01", "the day that was named");
        let both = DateTime::parse("2026-03-01T24:00").unwrap();
        assert_eq!(both.to_fhir_date_time(&clock()), "2026-03-02T00:00:00-06:00");
    }

    #[test]
    fn impossible_dates_say_what_cannot_be() {
        for (text, fault) in [
            ("", DateTimeFault::Empty),
            ("20260230", DateTimeFault::Day),
            ("20260200143000", DateTimeFault::Day),
            ("20261301", DateTimeFault::Month),
            ("00000000", DateTimeFault::Year),
            ("202603012401", DateTimeFault::Hour),
            ("202603012500", DateTimeFault::Hour),
            ("202603011260", DateTimeFault::Minute),
            ("20260301120061", DateTimeFault::Second),
            ("03/01/2026", DateTimeFault::Separators),
            ("1.3.2026", DateTimeFault::Separators),
            ("2026-3-1", DateTimeFault::Separators),
            ("2026-03-01T", DateTimeFault::Separators),
            ("2026-03-01T9:30", DateTimeFault::Separators),
            ("20260301X", DateTimeFault::Characters),
            ("202603011430071234567890", DateTimeFault::Digits),
            ("20260301 noon", DateTimeFault::Separators),
            ("2026030", DateTimeFault::Digits),
            ("20260301.5", DateTimeFault::Fraction),
            ("20260301120000.", DateTimeFault::Fraction),
            ("20260301120000+9900", DateTimeFault::Offset),
            ("20260301120000+5", DateTimeFault::Offset),
            ("20260301-14:30", DateTimeFault::Offset),
        ] {
            assert_eq!(DateTime::parse(text), Err(fault), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_reading_fail_and_what_is_printed_is_what_is_sorted_by(text in "[0-9TtZz:./+ ,-]{0,30}|[0-9]{4,15}([+-][0-9]{2,5})?|\\PC{0,12}") {
            if let Ok(read) = DateTime::parse(&text) {
                let printed = read.to_fhir_date_time(&clock());
                if read.has_time() && (2..9999).contains(&read.first_day().year()) {
                    prop_assert_eq!(printed.parse::<Timestamp>().unwrap(), read.to_timestamp(&clock()), "{}", text);
                }
            }
        }
    }
}
