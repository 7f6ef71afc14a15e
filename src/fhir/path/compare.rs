//! `<`, `<=`, `>`, `>=` (http://hl7.org/fhirpath/N1/#comparison): orders values of like types, never guesses.

use std::cmp::Ordering;

use rust_decimal::Decimal;
use serde_json::Value;

use super::item::{Content, Element, Item};

/// Why two items have no order.
pub(super) enum Unordered {
    /// It cannot be known: a precision, a zone or a comparator is in the way.
    Unknown,
    /// They are of types that are never compared.
    Unlike,
}

/// Which of two items comes first.
pub(super) fn order(left: &Item<'_>, right: &Item<'_>) -> Result<Ordering, Unordered> {
    let (Some(left_value), Some(right_value)) = (left.system(), right.system()) else {
        return Err(if is_open_quantity(left) || is_open_quantity(right) {
            Unordered::Unknown
        } else {
            Unordered::Unlike
        });
    };
    let known = match (&left_value, &right_value) {
        (Item::String(left), Item::String(right)) => Some(left.cmp(right)),
        (Item::Time(left), Item::Time(right)) => left.compare(*right),
        (Item::Quantity(left), Item::Quantity(right)) => left.compare(right),
        (Item::Date(_) | Item::DateTime(_), Item::Date(_) | Item::DateTime(_)) => {
            order_moments(&left_value, &right_value)
        }
        (Item::Quantity(quantity), other) => {
            let value = number(other).ok_or(Unordered::Unlike)?;
            (quantity.unit == "1").then(|| quantity.value.cmp(&value))
        }
        (other, Item::Quantity(quantity)) => {
            let value = number(other).ok_or(Unordered::Unlike)?;
            (quantity.unit == "1").then(|| value.cmp(&quantity.value))
        }
        _ => match (number(&left_value), number(&right_value)) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            _ => return Err(Unordered::Unlike),
        },
    };
    known.ok_or(Unordered::Unknown)
}

impl Element<'_> {
    /// How a primitive or a quantity compares with a JSON value of its type; none where they do not.
    pub fn compare_with(&self, other: &Value) -> Option<Ordering> {
        let content = match other {
            Value::Object(map) => Content::Object(map),
            other => Content::Primitive(other),
        };
        let other = Element { content, sibling: None, definition: self.definition };
        order(&Item::Element(*self), &Item::Element(other)).ok()
    }
}

/// A FHIR Quantity that is no number: without a value, or with a comparator.
fn is_open_quantity(item: &Item<'_>) -> bool {
    matches!(item, Item::Element(element) if element.type_name() == Some("Quantity"))
}

/// The order of dates and dateTimes. A date and a dateTime on the same day have none.
pub(super) fn order_moments(left: &Item<'_>, right: &Item<'_>) -> Option<Ordering> {
    let (Item::Date(left) | Item::DateTime(left), Item::Date(right) | Item::DateTime(right)) = (left, right) else {
        return None;
    };
    left.compare(*right)
}

/// An integer or a decimal.
pub(super) fn number(item: &Item<'_>) -> Option<Decimal> {
    match item {
        Item::Integer(value) => Some((*value).into()),
        Item::Decimal(value) => Some(*value),
        _ => None,
    }
}
