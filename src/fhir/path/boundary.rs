//! `lowBoundary()`, `highBoundary()` and `precision()` (http://hl7.org/fhirpath/#lowboundaryprecision-integer-decimal-date-datetime-time):
//! between what and what a value stated so far may lie.

use jiff::civil::DateTime;
use jiff::tz::Offset;
use rust_decimal::{Decimal, RoundingStrategy};

use super::item::Item;
use super::quantity::Quantity;
use crate::fhir::time::{PartialDateTime, PartialTime, Precision};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Low,
    High,
}

/// The least or greatest value that an item may mean; `digits` is the precision wanted.
pub(super) fn boundary<'a>(value: &Item<'a>, side: Side, digits: Option<i64>) -> Option<Item<'a>> {
    match value {
        Item::Integer(value) => decimal((*value).into(), side, digits).map(Item::Decimal),
        Item::Decimal(value) => decimal(*value, side, digits).map(Item::Decimal),
        Item::Quantity(quantity) => {
            let value = decimal(quantity.value, side, digits)?;
            Some(Item::Quantity(Quantity { value, ..quantity.clone() }))
        }
        Item::Date(date) => moment(*date, side, digits.unwrap_or(8), false).map(Item::Date),
        Item::DateTime(date) => {
            let digits = digits.unwrap_or(17);
            let bound = moment(*date, side, digits, digits > 8)?;
            Some(Item::DateTime(bound))
        }
        Item::Time(time) => clock(*time, side, digits.unwrap_or(9)).map(Item::Time),
        _ => None,
    }
}

fn decimal(value: Decimal, side: Side, digits: Option<i64>) -> Option<Decimal> {
    let digits = u32::try_from(digits.unwrap_or(8)).ok().filter(|digits| *digits <= 28)?;
    let half = Decimal::try_new(5, value.scale().checked_add(1)?).ok()?;
    let exact = match side {
        Side::Low => value.checked_sub(half)?,
        Side::High => value.checked_add(half)?,
    };
    // Away from zero the bound is rounded, towards zero cut off: so that fewer digits still enclose the value.
    let outwards = (side == Side::High) == value.is_sign_positive();
    let strategy = if outwards { RoundingStrategy::MidpointAwayFromZero } else { RoundingStrategy::ToZero };
    let mut bound = exact.round_dp_with_strategy(digits, strategy);
    bound.rescale(digits);
    (bound.scale() == digits).then_some(bound)
}

fn level(digits: i64) -> Option<Precision> {
    match digits {
        4 => Some(Precision::Year),
        6 => Some(Precision::Month),
        8 => Some(Precision::Day),
        10 => Some(Precision::Hour),
        12 => Some(Precision::Minute),
        14 => Some(Precision::Second),
        17 => Some(Precision::Millisecond),
        _ => None,
    }
}

fn moment(value: PartialDateTime, side: Side, digits: i64, has_clock: bool) -> Option<PartialDateTime> {
    let wanted = level(digits)?;
    let mut civil = value.civil;
    if side == Side::High {
        civil = last_of(value)?;
    }
    let offset = match (value.offset, side) {
        _ if !has_clock => None,
        (Some(offset), _) => Some(offset),
        (None, Side::Low) => Offset::from_hours(14).ok(),
        (None, Side::High) => Offset::from_hours(-12).ok(),
    };
    let fraction_digits = if wanted == Precision::Millisecond { 3 } else { 0 };
    Some(PartialDateTime { civil, precision: wanted, fraction_digits, offset })
}

/// The last millisecond that a date or time may mean.
fn last_of(value: PartialDateTime) -> Option<DateTime> {
    let civil = value.civil;
    let change = civil.with();
    let change = if value.precision < Precision::Month { change.month(12) } else { change };
    let civil = change.build().ok()?;
    let day = if value.precision < Precision::Day { civil.days_in_month() } else { civil.day() };
    let mut change = civil.with().day(day);
    if value.precision < Precision::Hour {
        change = change.hour(23);
    }
    if value.precision < Precision::Minute {
        change = change.minute(59);
    }
    if value.precision < Precision::Second {
        change = change.second(59);
    }
    if value.precision < Precision::Millisecond {
        change = change.subsec_nanosecond(999_000_000);
    }
    change.build().ok()
}

fn clock(value: PartialTime, side: Side, digits: i64) -> Option<PartialTime> {
    let (precision, fraction_digits) = match digits {
        2 => (Precision::Hour, 0),
        4 => (Precision::Minute, 0),
        6 => (Precision::Second, 0),
        9 => (Precision::Millisecond, 3),
        _ => return None,
    };
    let mut change = value.civil.with();
    if side == Side::High {
        if value.precision < Precision::Minute {
            change = change.minute(59);
        }
        if value.precision < Precision::Second {
            change = change.second(59);
        }
        if value.precision < Precision::Millisecond {
            change = change.subsec_nanosecond(999_000_000);
        }
    }
    Some(PartialTime { civil: change.build().ok()?, precision, fraction_digits })
}

/// How many digits a value is stated with.
pub(super) fn precision(value: &Item<'_>) -> Option<i64> {
    let of = |precision: Precision| match precision {
        Precision::Year => 4,
        Precision::Month => 6,
        Precision::Day => 8,
        Precision::Hour => 10,
        Precision::Minute => 12,
        Precision::Second => 14,
        Precision::Millisecond => 17,
    };
    match value {
        Item::Integer(_) => Some(0),
        Item::Decimal(value) => Some(value.scale().into()),
        Item::Date(moment) | Item::DateTime(moment) => Some(of(moment.precision)),
        Item::Time(time) => Some(of(time.precision) - 8),
        _ => None,
    }
}
