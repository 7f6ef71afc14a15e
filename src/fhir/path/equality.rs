//! `=` and `~` (http://hl7.org/fhirpath/N1/#equality): on items, on collections, and on whole elements.

use serde_json::Value;

use super::compare::{number, order_moments};
use super::item::{Content, Item};
use super::literal;
use super::quantity::equivalent_decimals;

/// Whether two collections are equal: the same items in the same order. None where it cannot be known.
pub(super) fn equal(left: &[Item<'_>], right: &[Item<'_>]) -> Option<bool> {
    if left.is_empty() || right.is_empty() {
        return None;
    }
    if left.len() != right.len() {
        return Some(false);
    }
    let mut known = true;
    for (left, right) in left.iter().zip(right) {
        match equal_items(left, right) {
            Some(false) => return Some(false),
            Some(true) => {}
            None => known = false,
        }
    }
    known.then_some(true)
}

/// Whether two items are equal. None for dates of different precision.
pub(super) fn equal_items(left: &Item<'_>, right: &Item<'_>) -> Option<bool> {
    if let (Item::Element(left), Item::Element(right)) = (left, right)
        && left.is_same(right)
    {
        return Some(true);
    }
    match (left.system(), right.system()) {
        (Some(left), Some(right)) => equal_values(&left, &right),
        (None, None) => Some(equal_elements(left, right)),
        _ => Some(false),
    }
}

fn equal_values(left: &Item<'_>, right: &Item<'_>) -> Option<bool> {
    match (left, right) {
        (Item::Boolean(left), Item::Boolean(right)) => Some(left == right),
        (Item::String(left), Item::String(right)) => Some(left == right),
        (Item::Time(left), Item::Time(right)) => left.compare(*right).map(|order| order.is_eq()),
        (Item::Quantity(left), Item::Quantity(right)) => {
            if left.is_calendar != right.is_calendar && !left.is_comparable(right) {
                return Some(false);
            }
            match left.compare(right) {
                Some(order) => Some(order.is_eq()),
                // A month of the calendar and UCUM's mean month are alike, but not known to be equal.
                None if left.is_comparable(right) => None,
                None => Some(false),
            }
        }
        (Item::Quantity(quantity), other) | (other, Item::Quantity(quantity)) => {
            Some(number(other).is_some_and(|value| quantity.unit == "1" && quantity.value == value))
        }
        (Item::Date(_) | Item::DateTime(_), Item::Date(_) | Item::DateTime(_)) => {
            order_moments(left, right).map(|order| order.is_eq())
        }
        _ => match (number(left), number(right)) {
            (Some(left), Some(right)) => Some(left == right),
            _ => Some(false),
        },
    }
}

fn equal_elements(left: &Item<'_>, right: &Item<'_>) -> bool {
    match (left, right) {
        (Item::Element(left), Item::Element(right)) => match (left.content, right.content) {
            (Content::Object(left), Content::Object(right)) => {
                left.len() == right.len()
                    && left.iter().all(|(key, value)| right.get(key).is_some_and(|other| equal_json(value, other)))
            }
            (Content::Missing, Content::Missing) => left.sibling == right.sibling,
            _ => false,
        },
        (Item::Type(space, name), Item::Type(other_space, other_name)) => space == other_space && name == other_name,
        _ => false,
    }
}

fn equal_json(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            left == right
                || literal::decimal(left.as_str()).is_some_and(|value| Some(value) == literal::decimal(right.as_str()))
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal_json(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, value)| right.get(key).is_some_and(|other| equal_json(value, other)))
        }
        _ => left == right,
    }
}

/// Whether two collections are equivalent: the same items in any order; text without case and spacing, numbers as far
/// as the less exact is stated.
pub(super) fn equivalent(left: &[Item<'_>], right: &[Item<'_>]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut free: Vec<&Item<'_>> = right.iter().collect();
    left.iter().all(|item| {
        let found = free.iter().position(|other| equivalent_items(item, other));
        found.map(|index| free.swap_remove(index)).is_some()
    })
}

fn equivalent_items(left: &Item<'_>, right: &Item<'_>) -> bool {
    match (left.system(), right.system()) {
        (Some(Item::String(left)), Some(Item::String(right))) => folded(&left) == folded(&right),
        (Some(Item::Quantity(left)), Some(Item::Quantity(right))) => left.is_equivalent(&right),
        (Some(left), Some(right)) => match (number(&left), number(&right)) {
            (Some(left), Some(right)) => equivalent_decimals(left, right),
            _ => equal_values(&left, &right).unwrap_or(false),
        },
        (None, None) => match (left, right) {
            (Item::Element(left), Item::Element(right)) => equivalent_elements(left.content, right.content),
            _ => equal_elements(left, right),
        },
        _ => false,
    }
}

fn equivalent_elements(left: Content<'_>, right: Content<'_>) -> bool {
    match (left, right) {
        (Content::Object(left), Content::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, value)| right.get(key).is_some_and(|other| equivalent_json(value, other)))
        }
        _ => false,
    }
}

fn equivalent_json(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::String(left), Value::String(right)) => folded(left) == folded(right),
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, value)| right.get(key).is_some_and(|other| equivalent_json(value, other)))
        }
        (Value::Array(left), Value::Array(right)) => {
            let mut free: Vec<&Value> = right.iter().collect();
            left.len() == right.len()
                && left.iter().all(|item| {
                    let found = free.iter().position(|other| equivalent_json(item, other));
                    found.map(|index| free.swap_remove(index)).is_some()
                })
        }
        _ => equal_json(left, right),
    }
}

fn folded(text: &str) -> String {
    text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}
