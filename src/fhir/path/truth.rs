//! The truth of a part of an expression, found by looking at no more of it than that needs.

use super::ast::{Node, NodeKind};
use super::context::Scope;
use super::error::PathError;
use super::evaluate::{One, one};
use super::kinds::is_of;
use super::{functions, operators};

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
