//! The operators that yield a truth: logic of three values (http://hl7.org/fhirpath/N1/#boolean-logic), comparison,
//! equality and membership. Looks at no more of either side than it needs.

use super::ast::{Node, NodeKind, Operator};
use super::compare::{Unordered, order};
use super::context::Scope;
use super::equality::{equal, equal_items, equivalent};
use super::error::PathError;
use super::evaluate::{One, evaluate, literal_item, one, stream_any};
use super::flow::{Stop, ended};
use super::functions;
use super::item::Item;

impl Operator {
    /// Whether the result is a boolean or empty.
    pub fn is_predicate(self) -> bool {
        use Operator as O;
        match self {
            O::Multiply | O::Divide | O::WholeDivide | O::Modulo | O::Add | O::Subtract | O::Concatenate | O::Union => {
                false
            }
            O::Less | O::LessOrEqual | O::Greater | O::GreaterOrEqual => true,
            O::Equal | O::NotEqual | O::Equivalent | O::NotEquivalent | O::In | O::Contains => true,
            O::And | O::Or | O::Xor | O::Implies => true,
        }
    }
}

pub(super) fn decide<'a>(
    operator: Operator,
    left: &'a Node,
    right: &'a Node,
    position: u32,
    scope: Scope<'_, 'a>,
) -> Result<Option<bool>, PathError> {
    match operator {
        Operator::And | Operator::Or | Operator::Xor | Operator::Implies => {
            let left = scope.truth(left)?;
            match (operator, left) {
                (Operator::And, Some(false)) => Ok(Some(false)),
                (Operator::Or, Some(true)) | (Operator::Implies, Some(false)) => Ok(Some(true)),
                _ => Ok(logic(operator, left, scope.truth(right)?)),
            }
        }
        Operator::Equal | Operator::NotEqual => {
            let known = are_equal(left, right, position, scope)?;
            Ok(if operator == Operator::Equal { known } else { known.map(|known| !known) })
        }
        Operator::Equivalent | Operator::NotEquivalent => {
            let (left, right) = (evaluate(left, scope)?, evaluate(right, scope)?);
            scope.charge(left.len().saturating_mul(right.len()), position)?;
            Ok(Some(equivalent(&left, &right) == (operator == Operator::Equivalent)))
        }
        Operator::In => member(left, right, position, scope),
        Operator::Contains => member(right, left, position, scope),
        _ => compare(operator, left, right, position, scope),
    }
}

fn logic(operator: Operator, left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match (operator, left, right) {
        (Operator::And, Some(false), _) | (Operator::And, _, Some(false)) => Some(false),
        (Operator::And, Some(true), Some(true)) => Some(true),
        (Operator::Or, Some(true), _) | (Operator::Or, _, Some(true)) => Some(true),
        (Operator::Or, Some(false), Some(false)) => Some(false),
        (Operator::Xor, Some(left), Some(right)) => Some(left != right),
        (Operator::Implies, Some(false), _) | (Operator::Implies, _, Some(true)) => Some(true),
        (Operator::Implies, Some(true), Some(false)) => Some(false),
        _ => None,
    }
}

fn are_equal<'a>(
    left: &'a Node,
    right: &'a Node,
    position: u32,
    scope: Scope<'_, 'a>,
) -> Result<Option<bool>, PathError> {
    // Beside one value, it is enough to know that there are several.
    if let NodeKind::Literal(literal) = &right.kind {
        return Ok(match one(left, scope)? {
            One::None => None,
            One::Item(left) => equal_items(&left, &literal_item(literal)),
            One::Several => Some(false),
        });
    }
    let left = evaluate(left, scope)?;
    let right = evaluate(right, scope)?;
    scope.charge(left.len().min(right.len()), position)?;
    Ok(equal(&left, &right))
}

fn compare<'a>(
    operator: Operator,
    left: &'a Node,
    right: &'a Node,
    position: u32,
    scope: Scope<'_, 'a>,
) -> Result<Option<bool>, PathError> {
    let (left, right) = match (one(left, scope)?, one(right, scope)?) {
        (One::None, _) | (_, One::None) => return Ok(None),
        (One::Item(left), One::Item(right)) => (left, right),
        _ => {
            let text = "only single values compare; choose one with `first()` or use `where()`";
            return Err(PathError::at(position, text));
        }
    };
    let order = match order(&left, &right) {
        Ok(order) => order,
        Err(Unordered::Unknown) => return Ok(None),
        Err(Unordered::Unlike) => {
            let text = format!("{} and {} do not compare", left.type_name(), right.type_name());
            return Err(PathError::at(position, text));
        }
    };
    Ok(Some(match operator {
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
        Operator::Greater => order.is_gt(),
        _ => order.is_ge(),
    }))
}

/// Whether one item is in a collection, or any of some codes in a value set.
fn member<'a>(item: &'a Node, all: &'a Node, position: u32, scope: Scope<'_, 'a>) -> Result<Option<bool>, PathError> {
    let items = evaluate(item, scope)?;
    if items.is_empty() {
        return Ok(None);
    }
    let (mut is_in, mut is_set) = (false, false);
    ended(stream_any(all, scope, &mut |other| {
        scope.charge(1, position)?;
        is_in = match (&other, items.as_slice()) {
            (Item::ValueSet(name), items) => {
                is_set = true;
                items.iter().any(|item| functions::in_value_set(scope, item, name, "*") == Some(true))
            }
            (other, [item]) => equal_items(item, other) == Some(true),
            _ => false,
        };
        if is_in { Err(Stop::Enough) } else { Ok(()) }
    }))?;
    if items.len() > 1 && !is_set {
        return Err(PathError::at(position, "one item was expected before `in` or after `contains`"));
    }
    Ok(Some(is_in))
}
