//! Evaluates the tree of an expression. Total: no loops but over items, and a bound on how many of those.

use std::borrow::Cow;

use super::arithmetic;
use super::ast::{Literal, Node, NodeKind, Operator};
use super::compare::{Unordered, order};
use super::context::Scope;
use super::equality::{equal, equal_items, equivalent};
use super::error::PathError;
use super::functions;
use super::item::{Element, Item};
use super::kinds::{is_cast_to, is_of};
use super::navigate::children_named;
use super::quantity::Quantity;
use super::variables;
use crate::fhir::definition::Definitions;

pub(super) type Items<'a> = Vec<Item<'a>>;

pub(super) fn evaluate<'a>(node: &'a Node, scope: Scope<'_, 'a>) -> Result<Items<'a>, PathError> {
    let position = node.position;
    let found = match &node.kind {
        NodeKind::Literal(literal) => vec![literal_item(literal)],
        NodeKind::Empty => Vec::new(),
        NodeKind::This => scope.this.to_vec(),
        NodeKind::Index => {
            scope.index.and_then(|index| i64::try_from(index).ok()).map(Item::Integer).into_iter().collect()
        }
        NodeKind::Total => scope.total.to_vec(),
        NodeKind::Variable(name) => variables::find(name, scope, position)?,
        NodeKind::Member { target: Some(target), name, sibling } => members(&evaluate(target, scope)?, name, sibling),
        NodeKind::Member { target: None, name, sibling } => start(scope.this, name, sibling),
        NodeKind::Indexer { target, index } => indexed(evaluate(target, scope)?, &evaluate(index, scope)?, position)?,
        NodeKind::Call(call) => functions::call(call, position, scope)?,
        NodeKind::Negate(value) => arithmetic::negate(&evaluate(value, scope)?, position)?,
        NodeKind::Plus(value) => evaluate(value, scope)?,
        NodeKind::Binary { operator, left, right } => binary(*operator, left, right, position, scope)?,
        NodeKind::Is { value, kind } => match evaluate(value, scope)?.as_slice() {
            [] => Vec::new(),
            [item] => vec![Item::Boolean(is_of(item, kind))],
            _ => return Err(PathError::at(position, "`is` works on one item; filter with `ofType()` instead")),
        },
        NodeKind::As { value, kind } => match evaluate(value, scope)?.as_slice() {
            [] => Vec::new(),
            [item] => is_cast_to(item, kind).then(|| item.clone()).into_iter().collect(),
            _ => return Err(PathError::at(position, "`as` works on one item; filter with `ofType()` instead")),
        },
    };
    scope.charge(found.len(), position)?;
    Ok(found)
}

fn literal_item(literal: &Literal) -> Item<'_> {
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

/// The first step of a path: the name of the type itself, or a child.
fn start<'a>(input: &[Item<'a>], name: &str, sibling: &str) -> Items<'a> {
    let may_be_type = name.starts_with(|letter: char| letter.is_ascii_uppercase());
    let mut found = Vec::new();
    for item in input {
        match item {
            Item::Element(element) if may_be_type && is_named(element, name) => found.push(item.clone()),
            Item::Element(element) => children_named(element, name, sibling, &mut found),
            other => found.extend(type_member(other, name)),
        }
    }
    found
}

fn is_named(element: &Element<'_>, name: &str) -> bool {
    element.type_name().is_some_and(|own| own == name || Definitions::r4().is_subtype(own, name))
}

fn members<'a>(input: &[Item<'a>], name: &str, sibling: &str) -> Items<'a> {
    let mut found = Vec::new();
    for item in input {
        match item {
            Item::Element(element) => children_named(element, name, sibling, &mut found),
            other => found.extend(type_member(other, name)),
        }
    }
    found
}

/// What `type()` tells has members of its own.
fn type_member<'a>(item: &Item<'a>, name: &str) -> Option<Item<'a>> {
    match (item, name) {
        (Item::Type(namespace, _), "namespace") => Some(Item::String(Cow::Borrowed(namespace))),
        (Item::Type(_, own), "name") => Some(Item::String(own.clone())),
        _ => None,
    }
}

fn indexed<'a>(items: Items<'a>, index: &[Item<'a>], position: u32) -> Result<Items<'a>, PathError> {
    match index {
        [] => Ok(Vec::new()),
        [Item::Integer(index)] => {
            let index = usize::try_from(*index).ok();
            Ok(index.and_then(|index| items.into_iter().nth(index)).into_iter().collect())
        }
        _ => Err(PathError::at(position, "an index is one whole number")),
    }
}

/// The truth of a collection: empty is unknown, one item that is no boolean is true, several are a fault.
pub(super) fn truth(items: &[Item<'_>], position: u32) -> Result<Option<bool>, PathError> {
    match items {
        [] => Ok(None),
        [one] => Ok(Some(one.as_bool().unwrap_or(true))),
        _ => Err(PathError::at(position, "one value was expected here, not several")),
    }
}

fn boolean<'a>(value: Option<bool>) -> Items<'a> {
    value.map(Item::Boolean).into_iter().collect()
}

fn binary<'a>(
    operator: Operator,
    left: &'a Node,
    right: &'a Node,
    position: u32,
    scope: Scope<'_, 'a>,
) -> Result<Items<'a>, PathError> {
    let left = evaluate(left, scope)?;
    if let Some(known) = decided_by_left(operator, &left, position)? {
        return Ok(boolean(Some(known)));
    }
    let right = evaluate(right, scope)?;
    scope.charge(left.len().saturating_mul(right.len().min(64)), position)?;
    match operator {
        Operator::And | Operator::Or | Operator::Xor | Operator::Implies => {
            Ok(boolean(logic(operator, truth(&left, position)?, truth(&right, position)?)))
        }
        Operator::Equal => Ok(boolean(equal(&left, &right))),
        Operator::NotEqual => Ok(boolean(equal(&left, &right).map(|equal| !equal))),
        Operator::Equivalent => Ok(boolean(Some(equivalent(&left, &right)))),
        Operator::NotEquivalent => Ok(boolean(Some(!equivalent(&left, &right)))),
        Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual => {
            compare(operator, &left, &right, position)
        }
        Operator::In => member(&left, &right, position, scope),
        Operator::Contains => member(&right, &left, position, scope),
        Operator::Union => functions::union(left, right, position, scope),
        _ => arithmetic::apply(operator, &left, &right, position),
    }
}

/// What the left side alone decides, so that the right one need not be looked at.
fn decided_by_left(operator: Operator, left: &[Item<'_>], position: u32) -> Result<Option<bool>, PathError> {
    let known = match operator {
        Operator::And => truth(left, position)? == Some(false),
        Operator::Or => truth(left, position)? == Some(true),
        Operator::Implies => truth(left, position)? == Some(false),
        _ => false,
    };
    Ok(known.then_some(operator != Operator::And))
}

/// Logic of three values (http://hl7.org/fhirpath/N1/#boolean-logic).
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

fn compare<'a>(
    operator: Operator,
    left: &[Item<'_>],
    right: &[Item<'_>],
    position: u32,
) -> Result<Items<'a>, PathError> {
    let (left, right) = match (left, right) {
        ([], _) | (_, []) => return Ok(Vec::new()),
        ([left], [right]) => (left, right),
        _ => {
            return Err(PathError::at(
                position,
                "only single values compare; choose one with `first()` or use `where()`",
            ));
        }
    };
    let order = match order(left, right) {
        Ok(order) => order,
        Err(Unordered::Unknown) => return Ok(Vec::new()),
        Err(Unordered::Unlike) => {
            let text = format!("{} and {} do not compare", left.type_name(), right.type_name());
            return Err(PathError::at(position, text));
        }
    };
    Ok(boolean(Some(match operator {
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
        Operator::Greater => order.is_gt(),
        _ => order.is_ge(),
    })))
}

/// Whether one item is in a collection, or any of some codes in a value set.
fn member<'a>(
    item: &[Item<'a>],
    all: &[Item<'a>],
    position: u32,
    scope: Scope<'_, 'a>,
) -> Result<Items<'a>, PathError> {
    match (item, all) {
        ([], _) => Ok(Vec::new()),
        (items, [Item::ValueSet(name)]) => {
            let known = items.iter().map(|item| functions::in_value_set(scope, item, name, "*"));
            Ok(boolean(Some(known.into_iter().any(|known| known == Some(true)))))
        }
        ([item], _) => Ok(boolean(Some(all.iter().any(|other| equal_items(item, other) == Some(true))))),
        _ => Err(PathError::at(position, "one item was expected before `in` or after `contains`")),
    }
}
