//! Evaluates the tree of an expression: as a collection, as one item, or as a truth. Total: no loops but over items, and a
//! bound on how many of those.

use super::ast::{Node, NodeKind};
use super::context::Scope;
use super::error::PathError;
use super::flow::{Items, Stop, ended};
use super::functions;
use super::item::Item;
use super::kinds::is_of;
use super::operators;
use super::stream::{literal_item, stream};

/// All items that a part of an expression yields.
pub(super) fn evaluate<'a>(node: &'a Node, scope: Scope<'_, 'a>) -> Result<Items<'a>, PathError> {
    let mut found = Items::new();
    if let NodeKind::Literal(literal) = &node.kind {
        found.push(literal_item(literal));
        return Ok(found);
    }
    ended(stream(node, scope, &mut |item| {
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
    ended(stream(node, scope, &mut |item| {
        if let One::None = found {
            found = One::Item(item);
            return Ok(());
        }
        found = One::Several;
        Err(Stop::Enough)
    }))?;
    Ok(found)
}

/// The truth of a part: empty is unknown, one item that is no boolean is true, several are a fault.
pub(super) fn truth<'a>(node: &'a Node, scope: Scope<'_, 'a>) -> Result<Option<bool>, PathError> {
    match &node.kind {
        NodeKind::Binary { operator, left, right } if operator.is_predicate() => {
            scope.charge(1, node.position)?;
            operators::decide(*operator, left, right, node.position, scope)
        }
        NodeKind::Call(call) if call.function.is_predicate() => {
            scope.charge(1, node.position)?;
            functions::decide(call, node.position, scope)
        }
        NodeKind::Is { value, kind } => match one(value, scope)? {
            One::None => Ok(None),
            One::Item(item) => Ok(Some(is_of(&item, kind))),
            One::Several => Err(PathError::at(node.position, "`is` works on one item; filter with `ofType()` instead")),
        },
        _ => match one(node, scope)? {
            One::None => Ok(None),
            One::Item(item) => Ok(Some(item.as_bool().unwrap_or(true))),
            One::Several => Err(PathError::at(node.position, "one value was expected here, not several")),
        },
    }
}

/// The truth of a collection, as `truth` has it for a part of an expression.
pub(super) fn truth_of(items: &[Item<'_>], position: u32) -> Result<Option<bool>, PathError> {
    match items {
        [] => Ok(None),
        [one] => Ok(Some(one.as_bool().unwrap_or(true))),
        _ => Err(PathError::at(position, "one value was expected here, not several")),
    }
}
