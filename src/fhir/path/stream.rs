//! Hands over the items that a part of an expression yields, one by one, each as soon as it is found.

use std::borrow::Cow;

use super::arithmetic;
use super::ast::{Node, NodeKind, Operator};
use super::context::Scope;
use super::error::PathError;
use super::evaluate::{One, evaluate, literal_item, one};
use super::flow::{Flow, Sink, Stop, each, hand_over};
use super::functions;
use super::item::{Element, Item};
use super::kinds::is_cast_to;
use super::navigate::children_named;
use super::step::Step;
use super::variables;
use crate::fhir::definition::Definitions;

pub(super) fn stream<'a>(node: &'a Node, scope: Scope<'_, 'a>, sink: Sink<'_, 'a>) -> Flow {
    let position = node.position;
    scope.charge(1, position)?;
    match &node.kind {
        NodeKind::Literal(literal) => sink(literal_item(literal)),
        NodeKind::Empty => Ok(()),
        NodeKind::This => each(scope.this, sink),
        NodeKind::Index => match scope.index.and_then(|index| i64::try_from(index).ok()) {
            Some(index) => sink(Item::Integer(index)),
            None => Ok(()),
        },
        NodeKind::Total => each(scope.total, sink),
        NodeKind::Variable(name) => variables::stream(name, scope, position, sink),
        NodeKind::Defined(place) => hand_over(scope.defined(*place), sink),
        NodeKind::Path { target: Some(target), steps } => {
            stream(target, scope, &mut |item| walk_from(&item, steps, position, scope, sink))
        }
        NodeKind::Path { target: None, steps } => {
            scope.this.iter().try_for_each(|item| start(item, steps, position, scope, sink))
        }
        NodeKind::Indexer { target, index } => indexed(target, index, position, scope, sink),
        NodeKind::Call(call) => functions::stream(call, position, scope, sink),
        NodeKind::Negate(value) => hand_over(arithmetic::negate(&evaluate(value, scope)?, position)?, sink),
        NodeKind::Plus(value) => stream(value, scope, sink),
        NodeKind::Binary { operator: Operator::Union, left, right } => {
            let (left, right) = (evaluate(left, scope)?, evaluate(right, scope)?);
            hand_over(functions::union(left, right, position, scope)?, sink)
        }
        NodeKind::Binary { operator, left, right } if !operator.is_predicate() => {
            let (left, right) = (evaluate(left, scope)?, evaluate(right, scope)?);
            hand_over(arithmetic::apply(*operator, &left, &right, position, scope)?, sink)
        }
        NodeKind::Binary { .. } | NodeKind::Is { .. } => match scope.truth(node)? {
            Some(known) => sink(Item::Boolean(known)),
            None => Ok(()),
        },
        NodeKind::As { value, kind } => match one(value, scope)? {
            One::None => Ok(()),
            One::Item(item) => {
                if is_cast_to(&item, kind) {
                    sink(item)
                } else {
                    Ok(())
                }
            }
            One::Several => {
                Err(PathError::at(position, "`as` works on one item; filter with `ofType()` instead").into())
            }
        },
    }
}

/// The first step of a path may be the name of the type itself.
fn start<'a>(item: &Item<'a>, steps: &[Step], position: u32, scope: Scope<'_, 'a>, sink: Sink<'_, 'a>) -> Flow {
    match (item, steps) {
        (Item::Element(element), [first, rest @ ..]) if first.may_be_type() && is_named(element, &first.name) => {
            walk_from(item, rest, position, scope, sink)
        }
        _ => walk_from(item, steps, position, scope, sink),
    }
}

fn is_named(element: &Element<'_>, name: &str) -> bool {
    element.type_name().is_some_and(|own| own == name || Definitions::r4().is_subtype(own, name))
}

fn walk_from<'a>(item: &Item<'a>, steps: &[Step], position: u32, scope: Scope<'_, 'a>, sink: Sink<'_, 'a>) -> Flow {
    match (item, steps) {
        (_, []) => sink(item.clone()),
        (Item::Element(element), _) => walk(*element, steps, position, scope, sink),
        // What `type()` tells has members of its own.
        (Item::Type(namespace, name), [step]) => match step.name.as_str() {
            "namespace" => sink(Item::String(Cow::Borrowed(namespace))),
            "name" => sink(Item::String(name.clone())),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Hands over what the steps lead to from an element.
fn walk<'a>(element: Element<'a>, steps: &[Step], position: u32, scope: Scope<'_, 'a>, sink: Sink<'_, 'a>) -> Flow {
    scope.charge(1, position)?;
    match steps {
        [] => sink(Item::Element(element)),
        [step, rest @ ..] => children_named(&element, step, &mut |child| walk(child, rest, position, scope, sink)),
    }
}

/// The item at a place counted from 0; looks no further.
fn indexed<'a>(target: &'a Node, index: &'a Node, position: u32, scope: Scope<'_, 'a>, sink: Sink<'_, 'a>) -> Flow {
    let index = match one(index, scope)? {
        One::None => return Ok(()),
        One::Item(Item::Integer(index)) => index,
        _ => return Err(PathError::at(position, "an index is one whole number").into()),
    };
    let Ok(mut left) = usize::try_from(index) else { return Ok(()) };
    let mut found = None;
    super::flow::ended(stream(target, scope, &mut |item| {
        scope.charge(1, position)?;
        if left > 0 {
            left -= 1;
            return Ok(());
        }
        found = Some(item);
        Err(Stop::Enough)
    }))?;
    found.map_or(Ok(()), sink)
}
