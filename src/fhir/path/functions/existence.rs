//! Functions about whether there is something and whether it holds (http://hl7.org/fhirpath/N1/#existence). They look no
//! further than they must.

use smallvec::smallvec;

use super::input::input;
use super::invocation::Invocation;
use super::table::Function;
use crate::fhir::path::ast::{Call, Node};
use crate::fhir::path::context::Scope;
use crate::fhir::path::error::PathError;
use crate::fhir::path::evaluate::{One, evaluate, one, stream_any, truth_of};
use crate::fhir::path::flow::{Flow, Items, Sink, Stop, ended};
use crate::fhir::path::item::Item;

impl Function {
    /// Whether `decide` knows it: the result is a boolean or empty.
    pub fn is_predicate(self) -> bool {
        matches!(
            self,
            Self::Empty
                | Self::Exists
                | Self::All
                | Self::AllTrue
                | Self::AnyTrue
                | Self::AllFalse
                | Self::AnyFalse
                | Self::Not
                | Self::HasValue
        )
    }
}

/// The truth of a call of such a function.
pub(in crate::fhir::path) fn decide<'a>(
    call: &'a Call,
    position: u32,
    scope: Scope<'_, 'a>,
) -> Result<Option<bool>, PathError> {
    let criterion = call.arguments.first();
    Ok(match call.function {
        Function::Empty => Some(!finds(call, scope, &mut |_, _| Ok(true))?),
        Function::Exists => Some(finds(call, scope, &mut |item, index| match criterion {
            Some(criterion) => holds(criterion, item, index, position, scope),
            None => Ok(true),
        })?),
        Function::All => Some(!finds(call, scope, &mut |item, index| match criterion {
            Some(criterion) => Ok(!holds(criterion, item, index, position, scope)?),
            None => Ok(false),
        })?),
        Function::AllTrue => Some(!booleans_find(call, false, position, scope)?),
        Function::AnyTrue => Some(booleans_find(call, true, position, scope)?),
        Function::AllFalse => Some(!booleans_find(call, true, position, scope)?),
        Function::AnyFalse => Some(booleans_find(call, false, position, scope)?),
        Function::Not => match &call.target {
            Some(target) => scope.truth(target)?,
            None => truth_of(scope.this, position)?,
        }
        .map(|known| !known),
        _ => Some(matches!(one_input(call, scope)?, One::Item(item) if has_value(&item))),
    })
}

fn has_value(item: &Item<'_>) -> bool {
    matches!(item, Item::Element(element) if element.is_primitive_type() && element.primitive().is_some())
}

fn one_input<'a>(call: &'a Call, scope: Scope<'_, 'a>) -> Result<One<'a>, PathError> {
    match (&call.target, scope.this) {
        (Some(target), _) => one(target, scope),
        (None, []) => Ok(One::None),
        (None, [item]) => Ok(One::Item(item.clone())),
        (None, _) => Ok(One::Several),
    }
}

/// Whether an item is among the input that the test is true for; looks no further than that.
fn finds<'a>(
    call: &'a Call,
    scope: Scope<'_, 'a>,
    test: &mut dyn FnMut(&Item<'a>, usize) -> Result<bool, PathError>,
) -> Result<bool, PathError> {
    let (mut found, mut index) = (false, 0);
    let mut sink = |item: Item<'a>| -> Flow {
        found = test(&item, index)?;
        index += 1;
        if found { Err(Stop::Enough) } else { Ok(()) }
    };
    ended(any_input(call, scope, &mut sink))?;
    Ok(found)
}

/// What a call is applied to, where the same item may come twice.
fn any_input<'a>(call: &'a Call, scope: Scope<'_, 'a>, sink: Sink<'_, 'a>) -> Flow {
    match &call.target {
        Some(target) => stream_any(target, scope, sink),
        None => input(call, scope, sink),
    }
}

fn holds<'a>(
    criterion: &'a Node,
    item: &Item<'a>,
    index: usize,
    position: u32,
    scope: Scope<'_, 'a>,
) -> Result<bool, PathError> {
    scope.charge(1, position)?;
    Ok(scope.on(std::slice::from_ref(item), index).truth(criterion)? == Some(true))
}

/// Whether a boolean is among the input. All must be booleans, so all are looked at.
fn booleans_find<'a>(call: &'a Call, wanted: bool, position: u32, scope: Scope<'_, 'a>) -> Result<bool, PathError> {
    let mut found = false;
    ended(any_input(call, scope, &mut |item| {
        let Some(value) = item.as_bool() else {
            let text = format!("`{}`: works on booleans only", call.function.name());
            return Err(PathError::at(position, text).into());
        };
        found |= value == wanted;
        Ok(())
    }))?;
    Ok(found)
}

pub(super) fn call<'a>(invocation: Invocation<'_, 'a>, input: Items<'a>) -> Result<Items<'a>, PathError> {
    match invocation.call.function {
        Function::Iif => either(invocation, &input),
        _ => Ok(smallvec![Item::Integer(i64::try_from(input.len()).unwrap_or(i64::MAX))]),
    }
}

/// `iif(criterion, then, otherwise)`: evaluates only the branch that is chosen.
fn either<'a>(invocation: Invocation<'_, 'a>, input: &[Item<'a>]) -> Result<Items<'a>, PathError> {
    let mut scope = invocation.scope;
    if invocation.call.target.is_some() {
        invocation.single(input)?;
        scope = scope.within(input);
    }
    let holds = match invocation.node(0).map(|node| one(node, scope)).transpose()? {
        None | Some(One::None) => false,
        Some(One::Item(one)) => one.as_bool().ok_or_else(|| invocation.fault("the criterion must be a boolean"))?,
        Some(One::Several) => return Err(invocation.fault("the criterion must be one boolean, not several")),
    };
    invocation.node(if holds { 1 } else { 2 }).map_or_else(|| Ok(Items::new()), |node| evaluate(node, scope))
}
