//! Functions that choose, map and order items (http://hl7.org/fhirpath/N1/#filtering-and-projection, #subsetting).

use std::cmp::Ordering;

use super::invocation::Invocation;
use super::sets::holds;
use super::table::Function;
use crate::fhir::path::ast::NodeKind;
use crate::fhir::path::compare::{Unordered, order};
use crate::fhir::path::error::PathError;
use crate::fhir::path::evaluate::evaluate;
use crate::fhir::path::flow::Items;
use crate::fhir::path::item::Item;
use crate::fhir::path::kinds::{is_cast_to, is_of};

pub(super) fn call<'a>(invocation: Invocation<'_, 'a>, input: Items<'a>) -> Result<Items<'a>, PathError> {
    match invocation.call.function {
        Function::Select => project(invocation, &input),
        Function::Repeat => repeat(invocation, input),
        Function::OfType | Function::Is | Function::As => by_type(invocation, input),
        Function::Single => Ok(invocation.single(&input)?.cloned().into_iter().collect()),
        Function::Last => Ok(input.into_iter().next_back().into_iter().collect()),
        Function::Tail => Ok(input.into_iter().skip(1).collect()),
        Function::Skip => Ok(input.into_iter().skip(count(invocation)?).collect()),
        Function::Take => Ok(input.into_iter().take(count(invocation)?).collect()),
        Function::Aggregate => aggregate(invocation, &input),
        Function::Sort => sort(invocation, input),
        _ => coalesce(invocation),
    }
}

fn project<'a>(invocation: Invocation<'_, 'a>, input: &[Item<'a>]) -> Result<Items<'a>, PathError> {
    let mut found = Items::new();
    for (index, item) in input.iter().enumerate() {
        found.extend(invocation.on(0, item, index)?);
    }
    Ok(found)
}

/// `select()` again and again on what it yields, until it yields nothing new.
fn repeat<'a>(invocation: Invocation<'_, 'a>, input: Items<'a>) -> Result<Items<'a>, PathError> {
    let mut found = Items::new();
    let mut waiting = input;
    while !waiting.is_empty() {
        let mut new = Items::new();
        for item in project(invocation, &waiting)? {
            invocation.scope.charge(found.len(), invocation.position)?;
            if !holds(&found, &item) {
                found.push(item.clone());
                new.push(item);
            }
        }
        waiting = new;
    }
    Ok(found)
}

fn by_type<'a>(invocation: Invocation<'_, 'a>, input: Items<'a>) -> Result<Items<'a>, PathError> {
    let Some(kind) = &invocation.call.kind else { return Ok(Items::new()) };
    match invocation.call.function {
        Function::OfType => Ok(input.into_iter().filter(|item| is_cast_to(item, kind)).collect()),
        Function::Is => {
            Ok(invocation.single(&input)?.map(|item| Item::Boolean(is_of(item, kind))).into_iter().collect())
        }
        _ => Ok(invocation.single(&input)?.filter(|item| is_cast_to(item, kind)).cloned().into_iter().collect()),
    }
}

fn count(invocation: Invocation<'_, '_>) -> Result<usize, PathError> {
    Ok(usize::try_from(invocation.integer(0)?.unwrap_or(0).max(0)).unwrap_or(usize::MAX))
}

fn aggregate<'a>(invocation: Invocation<'_, 'a>, input: &[Item<'a>]) -> Result<Items<'a>, PathError> {
    let Some(aggregator) = invocation.node(0) else { return Ok(Items::new()) };
    let mut total = invocation.argument(1)?;
    for (index, item) in input.iter().enumerate() {
        let mut scope = invocation.scope.on(std::slice::from_ref(item), index);
        scope.total = &total;
        total = evaluate(aggregator, scope)?;
    }
    Ok(total)
}

/// Orders by each argument in turn; `-` before one means descending, also for text. Empty keys come first.
fn sort<'a>(invocation: Invocation<'_, 'a>, input: Items<'a>) -> Result<Items<'a>, PathError> {
    let keys: Vec<_> = invocation
        .call
        .arguments
        .iter()
        .map(|node| match &node.kind {
            NodeKind::Negate(inner) => (inner.as_ref(), true),
            _ => (node, false),
        })
        .collect();
    let mut rows = Vec::with_capacity(input.len());
    for (index, item) in input.into_iter().enumerate() {
        let mut row = Vec::with_capacity(keys.len());
        for (node, descending) in &keys {
            let scope = invocation.scope.on(std::slice::from_ref(&item), index);
            row.push((invocation.single(&evaluate(node, scope)?)?.cloned(), *descending));
        }
        if keys.is_empty() {
            row.push((Some(item.clone()), false));
        }
        rows.push((row, item));
    }
    let sorted = merge_sorted(rows, &|(left, _), (right, _)| {
        for ((left, descending), (right, _)) in left.iter().zip(right) {
            let known = match (left, right) {
                (Some(left), Some(right)) if *descending => order(right, left)?,
                (Some(left), Some(right)) => order(left, right)?,
                (left, right) => left.is_some().cmp(&right.is_some()),
            };
            if known.is_ne() {
                return Ok(known);
            }
        }
        Ok(Ordering::Equal)
    });
    let rows = sorted.map_err(|_: Unordered| invocation.fault("these items have no order"))?;
    Ok(rows.into_iter().map(|(_, item)| item).collect())
}

/// Sorts by an order that may fail, keeping what is equal in its order. The standard library's sorts may panic over items of which
/// some have no order among each other.
fn merge_sorted<T, E>(mut rows: Vec<T>, order: &dyn Fn(&T, &T) -> Result<Ordering, E>) -> Result<Vec<T>, E> {
    if rows.len() < 2 {
        return Ok(rows);
    }
    let second = rows.split_off(rows.len() / 2);
    let mut left = merge_sorted(rows, order)?.into_iter().peekable();
    let mut right = merge_sorted(second, order)?.into_iter().peekable();
    let mut merged = Vec::with_capacity(left.len() + right.len());
    while let (Some(one), Some(other)) = (left.peek(), right.peek()) {
        let from = if order(one, other)?.is_le() { &mut left } else { &mut right };
        merged.extend(from.next());
    }
    merged.extend(left.chain(right));
    Ok(merged)
}

/// The first argument that is not empty.
fn coalesce<'a>(invocation: Invocation<'_, 'a>) -> Result<Items<'a>, PathError> {
    for index in 0..invocation.call.arguments.len() {
        let found = invocation.argument(index)?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Items::new())
}
