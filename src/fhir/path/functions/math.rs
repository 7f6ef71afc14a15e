//! Functions on numbers (http://hl7.org/fhirpath/N1/#math). What has no result is empty.

use rust_decimal::prelude::{FromPrimitive as _, ToPrimitive as _};
use rust_decimal::{Decimal, RoundingStrategy};

use super::invocation::Invocation;
use super::table::Function;
use crate::fhir::path::error::PathError;
use crate::fhir::path::flow::Items;
use crate::fhir::path::item::Item;
use crate::fhir::path::quantity::Quantity;

pub(super) fn call<'a>(invocation: Invocation<'_, 'a>, input: Items<'a>) -> Result<Items<'a>, PathError> {
    let Some(item) = invocation.single(&input)? else { return Ok(Items::new()) };
    let function = invocation.call.function;
    let result = match (item.system(), function) {
        (Some(Item::Quantity(quantity)), Function::Abs | Function::Round | Function::Truncate) => {
            let value = match function {
                Function::Abs => Some(quantity.value.abs()),
                Function::Round => round(invocation, quantity.value)?,
                _ => Some(quantity.value.trunc()),
            };
            value.map(|value| Item::Quantity(Quantity { value, ..quantity }))
        }
        (Some(Item::Integer(value)), Function::Abs) => value.checked_abs().map(Item::Integer),
        (Some(Item::Integer(value)), Function::Ceiling | Function::Floor | Function::Truncate) => {
            Some(Item::Integer(value))
        }
        (Some(Item::Integer(value)), Function::Power) => power_of_integer(invocation, value)?,
        (Some(Item::Integer(value)), _) => number(invocation, value.into())?,
        (Some(Item::Decimal(value)), _) => number(invocation, value)?,
        _ => return Err(invocation.fault("works on a number")),
    };
    Ok(result.into_iter().collect())
}

fn number<'a>(invocation: Invocation<'_, 'a>, value: Decimal) -> Result<Option<Item<'a>>, PathError> {
    let whole = |value: Decimal| value.to_i64().map(Item::Integer);
    let real = |result: Option<f64>| result.and_then(decimal).map(Item::Decimal);
    Ok(match invocation.call.function {
        Function::Abs => Some(Item::Decimal(value.abs())),
        Function::Ceiling => whole(value.ceil()),
        Function::Floor => whole(value.floor()),
        Function::Truncate => whole(value.trunc()),
        Function::Round => round(invocation, value)?.map(Item::Decimal),
        Function::Exp => real(value.to_f64().map(f64::exp)),
        Function::Ln => real(value.to_f64().map(f64::ln)),
        Function::Sqrt => real(value.to_f64().map(f64::sqrt)),
        Function::Log => match argument(invocation)? {
            Some(base) => real(value.to_f64().zip(base.to_f64()).map(|(value, base)| value.ln() / base.ln())),
            None => None,
        },
        Function::Power => power(invocation, value)?,
        _ => None,
    })
}

/// A result of floating-point arithmetic, without the noise of its last digits.
fn decimal(value: f64) -> Option<Decimal> {
    Decimal::from_f64(value).and_then(|value| value.round_sf(15)).map(|value| value.normalize())
}

fn argument(invocation: Invocation<'_, '_>) -> Result<Option<Decimal>, PathError> {
    match invocation.argument(0)?.as_slice() {
        [] => Ok(None),
        [one] => one.as_decimal().map(Some).ok_or_else(|| invocation.fault("a number was expected as argument")),
        _ => Err(invocation.fault("one number was expected as argument, not several")),
    }
}

fn round(invocation: Invocation<'_, '_>, value: Decimal) -> Result<Option<Decimal>, PathError> {
    let Ok(digits) = u32::try_from(invocation.integer(0)?.unwrap_or(0)) else {
        return Err(invocation.fault("the number of digits is 0 or more"));
    };
    Ok(Some(value.round_dp_with_strategy(digits.min(28), RoundingStrategy::MidpointAwayFromZero)))
}

fn power_of_integer<'a>(invocation: Invocation<'_, 'a>, value: i64) -> Result<Option<Item<'a>>, PathError> {
    match invocation.argument(0)?.first().and_then(Item::system) {
        Some(Item::Integer(exponent)) if exponent >= 0 => {
            Ok(u32::try_from(exponent).ok().and_then(|exponent| value.checked_pow(exponent)).map(Item::Integer))
        }
        _ => power(invocation, value.into()),
    }
}

fn power<'a>(invocation: Invocation<'_, 'a>, value: Decimal) -> Result<Option<Item<'a>>, PathError> {
    let Some(exponent) = argument(invocation)? else { return Ok(None) };
    if exponent.fract().is_zero() && exponent >= Decimal::ZERO && exponent <= Decimal::from(64) {
        let mut result = Some(Decimal::ONE);
        for _ in 0..exponent.to_u32().unwrap_or(0) {
            result = result.and_then(|result| result.checked_mul(value));
        }
        return Ok(result.map(Item::Decimal));
    }
    let result = value.to_f64().zip(exponent.to_f64()).map(|(value, exponent)| value.powf(exponent));
    Ok(result.and_then(decimal).map(Item::Decimal))
}
