//! Dates and times plus or minus a time-valued quantity (http://hl7.org/fhirpath/N1/#datetime-arithmetic).

use jiff::{SignedDuration, Span};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::error::PathError;
use super::item::Item;
use super::quantity::Quantity;
use crate::fhir::time::{PartialDateTime, PartialTime, Precision};

/// How far to go, in a unit of the calendar.
enum Step {
    Months(i64),
    Days(i64),
    Nanoseconds(i64),
}

/// A date or time moved by a quantity. Empty when the result is no date any more; a fault when the quantity is no time.
pub(super) fn shift<'a>(
    moment: &Item<'a>,
    quantity: &Quantity<'_>,
    backwards: bool,
    position: u32,
) -> Result<Option<Item<'a>>, PathError> {
    let value = if backwards { -quantity.value } else { quantity.value };
    let step = step(value, quantity).ok_or_else(|| {
        let text = format!("`{}` is no time to add to a date; write years, months, days, hours …", quantity.unit);
        PathError::at(position, text)
    })?;
    Ok(match moment {
        Item::Date(date) => shift_moment(*date, &step).map(Item::Date),
        Item::DateTime(moment) => shift_moment(*moment, &step).map(Item::DateTime),
        Item::Time(time) => shift_time(*time, &step).map(Item::Time),
        _ => None,
    })
}

/// Years and months only as words of the calendar: UCUM's `a` and `mo` are means, and no date is a mean away.
fn step(value: Decimal, quantity: &Quantity<'_>) -> Option<Step> {
    let whole = || value.trunc().to_i64();
    let nanoseconds = |unit: i64| value.checked_mul(Decimal::from(unit))?.trunc().to_i64();
    match quantity.unit.strip_suffix('s').filter(|unit| !unit.is_empty() && *unit != "m").unwrap_or(&quantity.unit) {
        "year" => Some(Step::Months(whole()?.checked_mul(12)?)),
        "month" => Some(Step::Months(whole()?)),
        "week" | "wk" => Some(Step::Days(whole()?.checked_mul(7)?)),
        "day" | "d" => Some(Step::Days(whole()?)),
        "hour" | "h" => Some(Step::Nanoseconds(nanoseconds(3_600_000_000_000)?)),
        "minute" | "min" => Some(Step::Nanoseconds(nanoseconds(60_000_000_000)?)),
        "second" | "s" => Some(Step::Nanoseconds(nanoseconds(1_000_000_000)?)),
        "millisecond" | "ms" => Some(Step::Nanoseconds(nanoseconds(1_000_000)?)),
        _ => None,
    }
}

fn shift_moment(moment: PartialDateTime, step: &Step) -> Option<PartialDateTime> {
    let civil = match *step {
        Step::Months(months) => moment.civil.checked_add(Span::new().try_months(months).ok()?).ok()?,
        Step::Days(days) => {
            // A date known to the month moves by whole months of 30 days, as the specification has it.
            match moment.precision {
                Precision::Year => moment.civil.checked_add(Span::new().try_years(days / 365).ok()?).ok()?,
                Precision::Month => moment.civil.checked_add(Span::new().try_months(days / 30).ok()?).ok()?,
                _ => moment.civil.checked_add(Span::new().try_days(days).ok()?).ok()?,
            }
        }
        Step::Nanoseconds(nanoseconds) => {
            let kept = truncate(nanoseconds, moment.precision);
            match moment.precision {
                Precision::Year | Precision::Month => moment.civil,
                _ => moment.civil.checked_add(SignedDuration::from_nanos(kept)).ok()?,
            }
        }
    };
    Some(PartialDateTime { civil, ..moment })
}

/// What of a duration a value of that precision can show.
fn truncate(nanoseconds: i64, precision: Precision) -> i64 {
    let unit = match precision {
        Precision::Year | Precision::Month | Precision::Day => 86_400_000_000_000,
        Precision::Hour => 3_600_000_000_000,
        Precision::Minute => 60_000_000_000,
        Precision::Second => 1_000_000_000,
        Precision::Millisecond => 1_000_000,
    };
    nanoseconds / unit * unit
}

fn shift_time(time: PartialTime, step: &Step) -> Option<PartialTime> {
    let Step::Nanoseconds(nanoseconds) = *step else { return Some(time) };
    let civil = time.civil.wrapping_add(SignedDuration::from_nanos(truncate(nanoseconds, time.precision)));
    Some(PartialTime { civil, ..time })
}
