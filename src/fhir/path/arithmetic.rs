//! `+ - * / div mod &` (http://hl7.org/fhirpath/N1/#math). What cannot be represented, and division by zero, is empty.

use std::borrow::Cow;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::ast::Operator;
use super::calendar;
use super::context::Scope;
use super::error::PathError;
use super::flow::Items;
use super::item::Item;
use super::quantity::Quantity;
use smallvec::smallvec;

/// `-value`
pub(super) fn negate<'a>(items: &[Item<'a>], position: u32) -> Result<Items<'a>, PathError> {
    let value = match items {
        [] => return Ok(Items::new()),
        [one] => one.system(),
        _ => None,
    };
    match value {
        Some(Item::Integer(value)) => Ok(value.checked_neg().map(Item::Integer).into_iter().collect()),
        Some(Item::Decimal(value)) => Ok(smallvec![Item::Decimal(-value)]),
        Some(Item::Quantity(quantity)) => {
            Ok(smallvec![Item::Quantity(Quantity { value: -quantity.value, ..quantity })])
        }
        _ => Err(PathError::at(position, "only one number or quantity can be negated")),
    }
}

pub(super) fn apply<'a>(
    operator: Operator,
    left: &[Item<'a>],
    right: &[Item<'a>],
    position: u32,
    scope: Scope<'_, 'a>,
) -> Result<Items<'a>, PathError> {
    if operator == Operator::Concatenate {
        return concatenate(left, right, position, scope);
    }
    let (left, right) = match (left, right) {
        ([], _) | (_, []) => return Ok(Items::new()),
        ([left], [right]) => (left.system(), right.system()),
        _ => return Err(PathError::at(position, "single values were expected on both sides")),
    };
    let unlike = || PathError::at(position, "these types cannot be combined by this operator");
    let (left, right) = (left.ok_or_else(unlike)?, right.ok_or_else(unlike)?);
    let result = match (&left, &right) {
        (Item::String(left), Item::String(right)) if operator == Operator::Add => {
            scope.charge_text(left.len() + right.len(), position)?;
            Some(Item::String(Cow::Owned(format!("{left}{right}"))))
        }
        (Item::Date(_) | Item::DateTime(_) | Item::Time(_), Item::Quantity(quantity))
            if matches!(operator, Operator::Add | Operator::Subtract) =>
        {
            calendar::shift(&left, quantity, operator == Operator::Subtract, position)?
        }
        (Item::Quantity(left), Item::Quantity(right)) => quantities(operator, left, right).ok_or_else(unlike)?,
        (Item::Quantity(quantity), other) => {
            let other = Quantity::plain(super::compare::number(other).ok_or_else(unlike)?);
            quantities(operator, quantity, &other).ok_or_else(unlike)?
        }
        (other, Item::Quantity(quantity)) => {
            let other = Quantity::plain(super::compare::number(other).ok_or_else(unlike)?);
            quantities(operator, &other, quantity).ok_or_else(unlike)?
        }
        (Item::Integer(left), Item::Integer(right)) if operator != Operator::Divide => {
            integers(operator, *left, *right).ok_or_else(unlike)?
        }
        _ => match (super::compare::number(&left), super::compare::number(&right)) {
            (Some(left), Some(right)) => decimals(operator, left, right).ok_or_else(unlike)?,
            _ => return Err(unlike()),
        },
    };
    Ok(result.into_iter().collect())
}

fn concatenate<'a>(
    left: &[Item<'a>],
    right: &[Item<'a>],
    position: u32,
    scope: Scope<'_, 'a>,
) -> Result<Items<'a>, PathError> {
    let text = |items: &[Item<'a>]| match items {
        [] => Ok(Cow::Borrowed("")),
        [one] => one.as_text().ok_or_else(|| PathError::at(position, "`&` joins text; convert with `toString()`")),
        _ => Err(PathError::at(position, "`&` joins single texts; use `join()` on several")),
    };
    let (left, right) = (text(left)?, text(right)?);
    scope.charge_text(left.len() + right.len(), position)?;
    Ok(smallvec![Item::String(Cow::Owned(format!("{left}{right}")))])
}

/// The outer None: the operator is not for these; the inner: the result cannot be represented.
fn integers<'a>(operator: Operator, left: i64, right: i64) -> Option<Option<Item<'a>>> {
    let result = match operator {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        Operator::WholeDivide => left.checked_div(right),
        Operator::Modulo => left.checked_rem(right),
        _ => return None,
    };
    Some(result.map(Item::Integer))
}

fn decimals<'a>(operator: Operator, left: Decimal, right: Decimal) -> Option<Option<Item<'a>>> {
    let result = match operator {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        Operator::Divide => left.checked_div(right),
        Operator::Modulo => left.checked_rem(right),
        Operator::WholeDivide => {
            return Some(left.checked_div(right).and_then(|value| value.trunc().to_i64()).map(Item::Integer));
        }
        _ => return None,
    };
    Some(result.map(Item::Decimal))
}

fn quantities<'a>(operator: Operator, left: &Quantity<'a>, right: &Quantity<'a>) -> Option<Option<Item<'a>>> {
    let result = match operator {
        Operator::Multiply => left.multiply(right),
        Operator::Divide => left.divide(right),
        Operator::Add | Operator::Subtract => {
            let other = right.convert(&left.unit).filter(|_| left.is_calendar == right.is_calendar);
            other.and_then(|other| {
                let sum = if operator == Operator::Add {
                    left.value.checked_add(other)
                } else {
                    left.value.checked_sub(other)
                };
                Some(Quantity { value: sum?, ..left.clone() })
            })
        }
        _ => return None,
    };
    Some(result.map(Item::Quantity))
}
