//! Functions on dates, times and precision (http://hl7.org/fhirpath/N1/#current-date-and-time-functions). The time is
//! the context's; nothing here looks at a clock.

use super::invocation::Invocation;
use super::table::Function;
use crate::fhir::path::boundary::{Side, boundary, precision};
use crate::fhir::path::error::PathError;
use crate::fhir::path::flow::Items;
use crate::fhir::path::item::Item;
use crate::fhir::time::PartialTime;
use smallvec::smallvec;

pub(super) fn call<'a>(invocation: Invocation<'_, 'a>, input: Items<'a>) -> Result<Items<'a>, PathError> {
    let function = invocation.call.function;
    if matches!(function, Function::Now | Function::Today | Function::TimeOfDay) {
        let now =
            invocation.scope.context.now.ok_or_else(|| invocation.fault("no time was given to this evaluation"))?;
        return Ok(smallvec![match function {
            Function::Now => Item::DateTime(now),
            Function::Today => Item::Date(now.date()),
            _ => Item::Time(PartialTime {
                civil: now.civil.time(),
                precision: now.precision,
                fraction_digits: now.fraction_digits,
            }),
        }]);
    }
    let Some(item) = invocation.single(&input)? else { return Ok(Items::new()) };
    let value = item.system();
    let result = match function {
        Function::Precision => value.as_ref().and_then(precision).map(Item::Integer),
        Function::Comparable => {
            let other = invocation.argument(0)?;
            let other = invocation.single(&other)?.and_then(Item::as_quantity);
            item.as_quantity().zip(other).map(|(left, right)| Item::Boolean(left.is_comparable(&right)))
        }
        _ => {
            let side = if function == Function::LowBoundary { Side::Low } else { Side::High };
            let digits = invocation.integer(0)?;
            value.as_ref().and_then(|value| boundary(value, side, digits))
        }
    };
    Ok(result.into_iter().collect())
}
