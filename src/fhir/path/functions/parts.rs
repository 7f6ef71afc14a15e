//! The parts of dates and times: `yearOf()` to `timezoneOffsetOf()` (http://hl7.org/fhirpath/#extract-datedatetimetime-components).
//! A part that is not stated is empty.

use rust_decimal::Decimal;

use super::invocation::Invocation;
use super::table::Function;
use crate::fhir::path::error::PathError;
use crate::fhir::path::flow::Items;
use crate::fhir::path::item::Item;
use crate::fhir::time::{PartialDateTime, PartialTime, Precision};

pub(super) fn call<'a>(invocation: Invocation<'_, 'a>, input: Items<'a>) -> Result<Items<'a>, PathError> {
    let Some(item) = invocation.single(&input)? else { return Ok(Items::new()) };
    let function = invocation.call.function;
    let part = match item.system() {
        Some(Item::Date(moment) | Item::DateTime(moment)) => of_moment(function, moment),
        Some(Item::Time(time)) => of_clock(function, time),
        _ => return Err(invocation.fault("works on a date, a dateTime or a time")),
    };
    Ok(part.into_iter().collect())
}

fn of_moment<'a>(function: Function, moment: PartialDateTime) -> Option<Item<'a>> {
    let civil = moment.civil;
    let stated = |precision: Precision, part: i64| (moment.precision >= precision).then_some(Item::Integer(part));
    let clock =
        PartialTime { civil: civil.time(), precision: moment.precision, fraction_digits: moment.fraction_digits };
    match function {
        Function::YearOf => stated(Precision::Year, civil.year().into()),
        Function::MonthOf => stated(Precision::Month, civil.month().into()),
        Function::DayOf => stated(Precision::Day, civil.day().into()),
        Function::DateOf => Some(Item::Date(moment.date())),
        Function::TimeOf => (moment.precision >= Precision::Hour).then_some(Item::Time(clock)),
        Function::TimezoneOffsetOf => {
            let hours = Decimal::from(moment.offset?.seconds()).checked_div(Decimal::from(3600))?;
            Some(Item::Decimal(hours.normalize()))
        }
        _ => of_clock(function, clock),
    }
}

fn of_clock<'a>(function: Function, time: PartialTime) -> Option<Item<'a>> {
    let stated = |precision: Precision, part: i64| (time.precision >= precision).then_some(Item::Integer(part));
    match function {
        Function::HourOf => stated(Precision::Hour, time.civil.hour().into()),
        Function::MinuteOf => stated(Precision::Minute, time.civil.minute().into()),
        Function::SecondOf => stated(Precision::Second, time.civil.second().into()),
        Function::MillisecondOf if time.fraction_digits > 0 => {
            stated(Precision::Second, time.civil.millisecond().into())
        }
        _ => None,
    }
}
