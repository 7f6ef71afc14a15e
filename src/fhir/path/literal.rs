//! Reads literals of expressions and the texts that convert to the same values (http://hl7.org/fhirpath/N1/#literals).

use rust_decimal::Decimal;

use super::ast::Literal;
use crate::fhir::time::{PartialDateTime, PartialTime, Precision};

/// A whole number or a decimal; none when it is longer than can be kept exactly.
pub(super) fn number(text: &str) -> Option<Literal> {
    if text.contains('.') {
        return decimal(text).map(Literal::Decimal);
    }
    text.parse().ok().map(Literal::Integer)
}

/// A decimal with the digits it is written with, also in exponent form.
pub(super) fn decimal(text: &str) -> Option<Decimal> {
    if text.contains(['e', 'E']) { Decimal::from_scientific(text).ok() } else { Decimal::from_str_exact(text).ok() }
}

/// A date, or with `T` a dateTime, of the text after `@`.
pub(super) fn date(text: &str) -> Option<Literal> {
    let is_moment = text.contains('T');
    let moment = match text.strip_suffix('T') {
        Some(day) => PartialDateTime::parse(day)?,
        None => PartialDateTime::parse(text)?,
    };
    Some(if is_moment { Literal::DateTime(moment) } else { Literal::Date(moment) })
}

pub(super) fn time(text: &str) -> Option<Literal> {
    PartialTime::parse(text).map(Literal::Time)
}

/// Whether a text is a date without a time.
pub(super) fn plain_date(text: &str) -> Option<PartialDateTime> {
    PartialDateTime::parse(text).filter(|moment| moment.precision <= Precision::Day && !text.contains('T'))
}

pub(super) fn is_calendar_unit(word: &str) -> bool {
    let singular = word.strip_suffix('s').unwrap_or(word);
    matches!(singular, "year" | "month" | "week" | "day" | "hour" | "minute" | "second" | "millisecond")
}

/// `4`, `4.5 'mg'` or `3 days`: value, unit, and whether the unit is a word of the calendar.
pub(super) fn quantity(text: &str) -> Option<(Decimal, String, bool)> {
    let text = text.trim();
    let end = text.find(|letter: char| !(letter.is_ascii_digit() || matches!(letter, '.' | '-' | '+')));
    let (number, unit) = text.split_at_checked(end.unwrap_or(text.len()))?;
    let is_number = !number.starts_with('.') && !number.ends_with('.');
    let value = decimal(number.strip_prefix('+').unwrap_or(number)).filter(|_| is_number)?;
    let unit = unit.trim();
    if unit.is_empty() {
        return Some((value, "1".to_string(), false));
    }
    if let Some(code) = unit.strip_prefix('\'').and_then(|unit| unit.strip_suffix('\'')) {
        return Some((value, code.to_string(), false)).filter(|_| !code.is_empty());
    }
    is_calendar_unit(unit).then(|| (value, unit.to_string(), true))
}
