//! What a part of an expression yields: as a collection, as one item, or item by item. Total: no loops but over items, and a bound
//! on how many of those.

use std::borrow::Cow;

use super::ast::{Literal, Node, NodeKind, Operator};
use super::context::Scope;
use super::error::PathError;
use super::flow::{Flow, Items, Sink, Stop, ended};
use super::item::Item;
use super::quantity::Quantity;

/// All items that a part of an expression yields.
pub(super) fn evaluate<'a>(node: &'a Node, scope: Scope<'_, 'a>) -> Result<Items<'a>, PathError> {
    let mut found = Items::new();
    if let NodeKind::Literal(literal) = &node.kind {
        found.push(literal_item(literal));
        return Ok(found);
    }
    ended(scope.stream(node, &mut |item| {
        scope.charge(1, node.position)?;
        scope.bound(found.len(), node.position)?;
        found.push(item);
        Ok(())
    }))?;
    Ok(found)
}

/// What stands where one item is expected.
pub(super) enum One<'a> {
    None,
    Item(Item<'a>),
    Several,
}

/// At most one item; looks no further than the second.
pub(super) fn one<'a>(node: &'a Node, scope: Scope<'_, 'a>) -> Result<One<'a>, PathError> {
    if let NodeKind::Literal(literal) = &node.kind {
        return Ok(One::Item(literal_item(literal)));
    }
    let mut found = One::None;
    ended(scope.stream(node, &mut |item| {
        if let One::None = found {
            found = One::Item(item);
            return Ok(());
        }
        found = One::Several;
        Err(Stop::Enough)
    }))?;
    Ok(found)
}

/// The truth of a collection, as `truth` has it for a part of an expression.
pub(super) fn truth_of(items: &[Item<'_>], position: u32) -> Result<Option<bool>, PathError> {
    match items {
        [] => Ok(None),
        [one] => Ok(Some(one.as_bool().unwrap_or(true))),
        _ => Err(PathError::at(position, "one value was expected here, not several")),
    }
}

/// As `Scope::stream`, for whom the same item may come twice: a union need not be made.
pub(super) fn stream_any<'a>(node: &'a Node, scope: Scope<'_, 'a>, sink: Sink<'_, 'a>) -> Flow {
    match &node.kind {
        NodeKind::Binary { operator: Operator::Union, left, right } => {
            scope.charge(1, node.position)?;
            stream_any(left, scope, sink)?;
            stream_any(right, scope, sink)
        }
        _ => scope.stream(node, sink),
    }
}

pub(super) fn literal_item(literal: &Literal) -> Item<'_> {
    match literal {
        Literal::Boolean(value) => Item::Boolean(*value),
        Literal::Integer(value) => Item::Integer(*value),
        Literal::Decimal(value) => Item::Decimal(*value),
        Literal::String(text) => Item::String(Cow::Borrowed(text)),
        Literal::Date(moment) => Item::Date(*moment),
        Literal::DateTime(moment) => Item::DateTime(*moment),
        Literal::Time(time) => Item::Time(*time),
        Literal::Quantity { value, unit, is_calendar } => {
            Item::Quantity(Quantity { value: *value, unit: Cow::Borrowed(unit), is_calendar: *is_calendar })
        }
    }
}
