//! The text of a date and time taken apart (HL7 v2.5.1, 2.A.22): its digits, fraction and offset. ISO 8601 and other habits that
//! leave no doubt are read too, and named; what could mean two things is not read. Faults never quote the text.

use jiff::SignedDuration;
use jiff::tz::Offset;

use super::date_fault::{DateTimeFault, Oddity};

/// More digits of a second than FHIR and our clocks tell apart.
const MOST_FRACTION_DIGITS: usize = 9;

/// A date and time as its parts, none of them checked against the calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DateText {
    /// `YYYY[MM[DD[HH[MM[SS]]]]]`: an even number of digits, 4 to 14.
    pub digits: String,
    /// At most nine digits.
    pub fraction: Option<String>,
    pub offset: Option<Offset>,
    pub oddity: Option<Oddity>,
}

impl DateText {
    /// Takes a text apart; blanks around it are ignored.
    pub fn read(text: &str) -> Result<Self, DateTimeFault> {
        let text = text.trim();
        if text.is_empty() {
            return Err(DateTimeFault::Empty);
        }
        let mut found = Self { digits: String::new(), fraction: None, offset: None, oddity: None };
        let rest = found.date(text)?;
        let rest = found.time(rest)?;
        let rest = found.fraction(rest)?;
        found.offset = found.offset(rest)?;
        found.count_digits()?;
        Ok(found)
    }

    fn say(&mut self, oddity: Oddity) {
        self.oddity.get_or_insert(oddity);
    }

    /// `YYYYMMDD…`, or `YYYY-MM[-DD]` with any of the separators people use.
    fn date<'t>(&mut self, text: &'t str) -> Result<&'t str, DateTimeFault> {
        let (digits, rest) = leading_digits(text);
        self.digits.push_str(digits);
        let separator = rest.chars().next().filter(|sign| matches!(sign, '-' | '/' | '.'));
        let (Some(separator), true) = (separator, digits.len() <= 4) else { return Ok(rest) };
        if digits.len() < 4 {
            // Which of day and month comes first, nobody can tell.
            return Err(DateTimeFault::Separators);
        }
        let (month, after) = leading_digits(rest.get(1..).unwrap_or_default());
        if separator == '-' && month.len() > 2 {
            // A year alone with an offset from UTC.
            return Ok(rest);
        }
        if month.len() != 2 {
            return Err(DateTimeFault::Separators);
        }
        self.say(Oddity::Separators);
        self.digits.push_str(month);
        let Some(rest) = after.strip_prefix(separator) else { return Ok(after) };
        let (day, rest) = leading_digits(rest);
        if day.len() != 2 {
            return Err(DateTimeFault::Separators);
        }
        self.digits.push_str(day);
        Ok(rest)
    }

    /// `HH[MM[SS]]` after the day, with or without `T`, blank and colons.
    fn time<'t>(&mut self, text: &'t str) -> Result<&'t str, DateTimeFault> {
        let after = text.strip_prefix(['T', 't']).unwrap_or_else(|| text.trim_start());
        let is_offset = after.starts_with(['+', '-', 'Z', 'z']);
        if is_offset || (after.len() == text.len() && !text.starts_with(':')) {
            return Ok(text);
        }
        self.say(Oddity::Separators);
        if text.starts_with(':') {
            // 2026030110:15
            return if self.digits.len() == 10 { self.clock(text) } else { Err(DateTimeFault::Separators) };
        }
        if self.digits.len() != 8 || !after.starts_with(|sign: char| sign.is_ascii_digit()) {
            return Err(DateTimeFault::Separators);
        }
        let (digits, rest) = leading_digits(after);
        self.digits.push_str(digits);
        if rest.starts_with(':') && digits.len() != 2 {
            return Err(DateTimeFault::Separators);
        }
        self.clock(rest)
    }

    /// `:MM[:SS]`
    fn clock<'t>(&mut self, text: &'t str) -> Result<&'t str, DateTimeFault> {
        let mut rest = text;
        while let Some(after) = rest.strip_prefix(':') {
            let (digits, next) = leading_digits(after);
            if digits.len() != 2 || self.digits.len() > 12 {
                return Err(DateTimeFault::Separators);
            }
            self.digits.push_str(digits);
            rest = next;
        }
        Ok(rest)
    }

    fn fraction<'t>(&mut self, text: &'t str) -> Result<&'t str, DateTimeFault> {
        if let Some(digits) = self.digits.get(14..).filter(|digits| !digits.is_empty()).map(String::from) {
            // Milliseconds that follow the seconds without a point.
            // Nothing lost: the rest becomes the fraction below.
            self.digits.truncate(14);
            // Nothing lost: so many digits are no time, and are refused as such.
            if digits.len() > MOST_FRACTION_DIGITS {
                return Err(DateTimeFault::Digits);
            }
            self.say(Oddity::Fraction);
            self.fraction = Some(digits);
        }
        let Some(rest) = text.strip_prefix(['.', ',']) else { return Ok(text) };
        let (digits, rest) = leading_digits(rest);
        if digits.is_empty() || self.digits.len() != 14 || self.fraction.is_some() {
            return Err(DateTimeFault::Fraction);
        }
        if digits.len() > 4 || text.starts_with(',') {
            self.say(Oddity::Fraction);
        }
        // Nothing lost: a fraction of a nanosecond says nothing, and the oddity is noted.
        self.fraction = Some(digits.chars().take(MOST_FRACTION_DIGITS).collect());
        Ok(rest)
    }

    /// `+ZZZZ`, or `Z`, `+ZZ`, `+ZZ:ZZ`.
    fn offset(&mut self, text: &str) -> Result<Option<Offset>, DateTimeFault> {
        let written = text.trim();
        if written.is_empty() {
            return Ok(None);
        }
        if written.eq_ignore_ascii_case("Z") || written.eq_ignore_ascii_case("UTC") {
            self.say(Oddity::Offset);
            return Ok(Some(Offset::UTC));
        }
        let Some(digits) = written.strip_prefix(['+', '-']) else { return Err(fault_of(written)) };
        let (hours, minutes) = match digits.len() {
            2 => (digits, "00"),
            4 => digits.split_at_checked(2).unwrap_or_default(),
            5 => digits.split_once(':').ok_or(DateTimeFault::Offset)?,
            _ => return Err(DateTimeFault::Offset),
        };
        if digits.len() != 4 || written.len() != text.len() {
            self.say(Oddity::Offset);
        }
        let number = |part: &str| match part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()) {
            true => part.parse::<i64>().map_err(|_| DateTimeFault::Offset),
            false => Err(DateTimeFault::Offset),
        };
        let (hours, minutes) = (number(hours)?, number(minutes)?);
        if minutes > 59 || hours * 60 + minutes > 14 * 60 {
            return Err(DateTimeFault::Offset);
        }
        let sign = if written.starts_with('-') { -1 } else { 1 };
        let offset = SignedDuration::from_mins(sign * (hours * 60 + minutes));
        Offset::try_from(offset).map(Some).map_err(|_| DateTimeFault::Offset)
    }

    /// A digit too few or too many in the time of day leaves what stands before it. In the date it could be any digit.
    fn count_digits(&mut self) -> Result<(), DateTimeFault> {
        match self.digits.len() {
            4 | 6 | 8 | 10 | 12 | 14 => Ok(()),
            9 | 11 | 13 => {
                self.digits.pop();
                self.say(Oddity::HalfWritten);
                Ok(())
            }
            _ => Err(DateTimeFault::Digits),
        }
    }
}

fn leading_digits(text: &str) -> (&str, &str) {
    let end = text.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn fault_of(rest: &str) -> DateTimeFault {
    let is_separated = rest.chars().all(|sign| sign.is_ascii_digit() || "-/:.T ".contains(sign));
    if is_separated { DateTimeFault::Separators } else { DateTimeFault::Characters }
}
