//! Functions about whether there is something and whether it holds (http://hl7.org/fhirpath/N1/#existence).

use super::dispatch::Invocation;
use super::table::Function;
use crate::fhir::path::error::PathError;
use crate::fhir::path::evaluate::{Items, evaluate, truth};
use crate::fhir::path::item::Item;

pub(super) fn call<'a>(invocation: Invocation<'_, 'a>, input: Items<'a>) -> Result<Items<'a>, PathError> {
    let known = match invocation.call.function {
        Function::Empty => Some(input.is_empty()),
        Function::Exists if invocation.node(0).is_none() => Some(!input.is_empty()),
        Function::Exists => Some(any_holds(invocation, &input)?),
        Function::All => Some(all_hold(invocation, &input)?),
        Function::AllTrue => Some(booleans(invocation, &input)?.into_iter().all(|value| value)),
        Function::AnyTrue => Some(booleans(invocation, &input)?.into_iter().any(|value| value)),
        Function::AllFalse => Some(booleans(invocation, &input)?.into_iter().all(|value| !value)),
        Function::AnyFalse => Some(booleans(invocation, &input)?.into_iter().any(|value| !value)),
        Function::Not => truth(&input, invocation.position)?.map(|value| !value),
        Function::Iif => return either(invocation, &input),
        _ => return Ok(vec![Item::Integer(i64::try_from(input.len()).unwrap_or(i64::MAX))]),
    };
    Ok(known.map(Item::Boolean).into_iter().collect())
}

fn any_holds<'a>(invocation: Invocation<'_, 'a>, input: &[Item<'a>]) -> Result<bool, PathError> {
    for (index, item) in input.iter().enumerate() {
        if invocation.holds(item, index)? == Some(true) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn all_hold<'a>(invocation: Invocation<'_, 'a>, input: &[Item<'a>]) -> Result<bool, PathError> {
    for (index, item) in input.iter().enumerate() {
        if invocation.holds(item, index)? != Some(true) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn booleans(invocation: Invocation<'_, '_>, input: &[Item<'_>]) -> Result<Vec<bool>, PathError> {
    let values = input.iter().map(|item| item.as_bool().ok_or_else(|| invocation.fault("works on booleans only")));
    values.collect()
}

/// `iif(criterion, then, otherwise)`: evaluates only the branch that is chosen.
fn either<'a>(invocation: Invocation<'_, 'a>, input: &[Item<'a>]) -> Result<Items<'a>, PathError> {
    let mut scope = invocation.scope;
    if invocation.call.target.is_some() {
        invocation.single(input)?;
        scope.this = input;
    }
    let evaluated = |index: usize| invocation.node(index).map_or_else(|| Ok(Vec::new()), |node| evaluate(node, scope));
    let holds = match evaluated(0)?.as_slice() {
        [] => false,
        [one] => one.as_bool().ok_or_else(|| invocation.fault("the criterion must be a boolean"))?,
        _ => return Err(invocation.fault("the criterion must be one boolean, not several")),
    };
    evaluated(if holds { 1 } else { 2 })
}
