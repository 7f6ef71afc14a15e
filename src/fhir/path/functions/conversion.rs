//! `toX()` and `convertsToX()` (http://hl7.org/fhirpath/N1/#conversion).

use std::borrow::Cow;

use rust_decimal::Decimal;

use super::invocation::Invocation;
use super::table::Function;
use crate::fhir::path::error::PathError;
use crate::fhir::path::flow::Items;
use crate::fhir::path::item::Item;
use crate::fhir::path::literal;
use crate::fhir::path::quantity::Quantity;
use crate::fhir::time::{PartialDateTime, PartialTime};
use smallvec::smallvec;

pub(super) fn call<'a>(invocation: Invocation<'_, 'a>, input: Items<'a>) -> Result<Items<'a>, PathError> {
    let Some(item) = invocation.single(&input)? else { return Ok(Items::new()) };
    let value = item.system();
    let value = value.as_ref();
    let (converted, only_asks) = match invocation.call.function {
        Function::ToBoolean => (value.and_then(to_boolean), false),
        Function::ConvertsToBoolean => (value.and_then(to_boolean), true),
        Function::ToInteger => (value.and_then(to_integer), false),
        Function::ConvertsToInteger => (value.and_then(to_integer), true),
        Function::ToDecimal => (value.and_then(to_decimal), false),
        Function::ConvertsToDecimal => (value.and_then(to_decimal), true),
        Function::ToString => (value.and_then(to_text), false),
        Function::ConvertsToString => (value.and_then(to_text), true),
        Function::ToDate => (value.and_then(to_date), false),
        Function::ConvertsToDate => (value.and_then(to_date), true),
        Function::ToDateTime => (value.and_then(to_date_time), false),
        Function::ConvertsToDateTime => (value.and_then(to_date_time), true),
        Function::ToTime => (value.and_then(to_time), false),
        Function::ConvertsToTime => (value.and_then(to_time), true),
        Function::ToQuantity => (to_quantity(invocation, value)?, false),
        _ => (to_quantity(invocation, value)?, true),
    };
    if only_asks {
        return Ok(smallvec![Item::Boolean(converted.is_some())]);
    }
    Ok(converted.into_iter().collect())
}

fn to_boolean<'a>(value: &Item<'a>) -> Option<Item<'a>> {
    let is_one = |value: &Decimal| {
        if *value == Decimal::ONE {
            Some(true)
        } else if value.is_zero() {
            Some(false)
        } else {
            None
        }
    };
    let known = match value {
        Item::Boolean(value) => Some(*value),
        Item::Integer(value) => is_one(&(*value).into()),
        Item::Decimal(value) => is_one(value),
        Item::String(text) => match text.to_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "1" | "1.0" => Some(true),
            "false" | "f" | "no" | "n" | "0" | "0.0" => Some(false),
            _ => None,
        },
        _ => None,
    };
    known.map(Item::Boolean)
}

fn to_integer<'a>(value: &Item<'a>) -> Option<Item<'a>> {
    let known = match value {
        Item::Integer(value) => Some(*value),
        Item::Boolean(value) => Some(i64::from(*value)),
        Item::String(text) => text.parse().ok(),
        _ => None,
    };
    known.map(Item::Integer)
}

fn to_decimal<'a>(value: &Item<'a>) -> Option<Item<'a>> {
    let known = match value {
        Item::Integer(value) => Some((*value).into()),
        Item::Decimal(value) => Some(*value),
        Item::Boolean(value) => Some(if *value { Decimal::new(10, 1) } else { Decimal::new(0, 1) }),
        Item::String(text) => {
            let plain = text.strip_prefix(['+', '-']).unwrap_or(text);
            let is_number = plain.starts_with(|letter: char| letter.is_ascii_digit())
                && plain.ends_with(|letter: char| letter.is_ascii_digit())
                && plain.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            is_number.then(|| literal::decimal(text.strip_prefix('+').unwrap_or(text))).flatten()
        }
        _ => None,
    };
    known.map(Item::Decimal)
}

fn to_text<'a>(value: &Item<'a>) -> Option<Item<'a>> {
    let text = match value {
        Item::String(text) => return Some(Item::String(text.clone())),
        Item::Boolean(value) => value.to_string(),
        Item::Integer(value) => value.to_string(),
        Item::Decimal(value) => value.to_string(),
        Item::Date(moment) | Item::DateTime(moment) => moment.to_string(),
        Item::Time(time) => time.to_string(),
        Item::Quantity(quantity) => quantity.to_string(),
        Item::Element(_) | Item::Type(..) | Item::ValueSet(_) => return None,
    };
    Some(Item::String(Cow::Owned(text)))
}

fn to_date<'a>(value: &Item<'a>) -> Option<Item<'a>> {
    let known = match value {
        Item::Date(moment) | Item::DateTime(moment) => Some(moment.date()),
        Item::String(text) => {
            let day = text.split_once('T').map_or(text.as_ref(), |(day, _)| day);
            PartialDateTime::parse(text).and_then(|_| literal::plain_date(day))
        }
        _ => None,
    };
    known.map(Item::Date)
}

fn to_date_time<'a>(value: &Item<'a>) -> Option<Item<'a>> {
    let known = match value {
        Item::Date(moment) | Item::DateTime(moment) => Some(*moment),
        Item::String(text) => PartialDateTime::parse(text),
        _ => None,
    };
    known.map(Item::DateTime)
}

fn to_time<'a>(value: &Item<'a>) -> Option<Item<'a>> {
    let known = match value {
        Item::Time(time) => Some(*time),
        Item::String(text) => PartialTime::parse(text),
        _ => None,
    };
    known.map(Item::Time)
}

fn to_quantity<'a>(invocation: Invocation<'_, 'a>, value: Option<&Item<'a>>) -> Result<Option<Item<'a>>, PathError> {
    let quantity = match value {
        Some(Item::Quantity(quantity)) => Some(quantity.clone()),
        Some(Item::Integer(value)) => Some(Quantity::plain((*value).into())),
        Some(Item::Decimal(value)) => Some(Quantity::plain(*value)),
        Some(Item::Boolean(value)) => {
            Some(Quantity::plain(if *value { Decimal::new(10, 1) } else { Decimal::new(0, 1) }))
        }
        Some(Item::String(text)) => literal::quantity(text).map(|(value, unit, is_calendar)| Quantity {
            value,
            unit: Cow::Owned(unit),
            is_calendar,
        }),
        _ => None,
    };
    let wanted = invocation.text(0)?;
    let converted = match (quantity, wanted) {
        (Some(quantity), Some(unit)) => {
            quantity.convert(&unit).map(|value| Quantity { value, unit, is_calendar: false })
        }
        (quantity, _) => quantity,
    };
    Ok(converted.map(Item::Quantity))
}
