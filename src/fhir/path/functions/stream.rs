//! Functions that hand over items as they find them, and the way from a call to the file that knows its function.

use super::dispatch::collected;
use super::input::{collect, input};
use super::invocation::Invocation;
use super::table::Function;
use super::{fhir, tree};
use crate::fhir::path::ast::{Call, Node};
use crate::fhir::path::context::Scope;
use crate::fhir::path::evaluate::evaluate;
use crate::fhir::path::flow::{Flow, Sink, Stop, ended, hand_over};
use crate::fhir::path::item::Item;
use crate::fhir::path::kinds::is_cast_to;

/// Hands over what a call yields.
pub(in crate::fhir::path) fn stream<'a>(
    call: &'a Call,
    position: u32,
    scope: Scope<'_, 'a>,
    sink: Sink<'_, 'a>,
) -> Flow {
    match (call.function, call.arguments.as_slice()) {
        (Function::Where, [criterion]) => choose(call, criterion, position, scope, sink),
        (Function::Select, [projection]) => project(call, projection, position, scope, sink),
        (Function::First, _) => first(call, scope, sink),
        // Evaluation is pure, so there is nowhere to write a trace to.
        (Function::Trace, _) => input(call, scope, sink),
        (Function::OfType, _) => input(call, scope, &mut |item| match &call.kind {
            Some(kind) if is_cast_to(&item, kind) => sink(item),
            _ => Ok(()),
        }),
        (Function::Children, _) => input(call, scope, &mut |item| {
            scope.charge(1, position)?;
            tree::children(&item, sink)
        }),
        (Function::Descendants, _) => input(call, scope, &mut |item| tree::descendants(&item, position, scope, sink)),
        (Function::Type, _) => input(call, scope, &mut |item| sink(tree::type_of(&item))),
        (Function::Extension, [url]) => fhir::extension(call, url, position, scope, sink),
        (Function::DefineVariable, arguments) => define(call, arguments.get(1), scope, sink),
        (function, _) if function.is_predicate() => match super::decide(call, position, scope)? {
            Some(known) => sink(Item::Boolean(known)),
            None => Ok(()),
        },
        _ => {
            let found = collected(Invocation { call, position, scope }, collect(call, position, scope)?)?;
            for item in &found {
                if let Item::String(text) = item {
                    scope.charge_text(text.len(), position)?;
                }
            }
            hand_over(found, sink)
        }
    }
}

fn choose<'a>(call: &'a Call, criterion: &'a Node, position: u32, scope: Scope<'_, 'a>, sink: Sink<'_, 'a>) -> Flow {
    let mut index = 0;
    input(call, scope, &mut |item| {
        scope.charge(1, position)?;
        let holds = scope.on(std::slice::from_ref(&item), index).truth(criterion)?;
        index += 1;
        if holds == Some(true) { sink(item) } else { Ok(()) }
    })
}

fn project<'a>(call: &'a Call, projection: &'a Node, position: u32, scope: Scope<'_, 'a>, sink: Sink<'_, 'a>) -> Flow {
    let mut index = 0;
    input(call, scope, &mut |item| {
        scope.charge(1, position)?;
        scope.on(std::slice::from_ref(&item), index).stream(projection, sink)?;
        index += 1;
        Ok(())
    })
}

/// The first item; looks no further.
fn first<'a>(call: &'a Call, scope: Scope<'_, 'a>, sink: Sink<'_, 'a>) -> Flow {
    let mut found = None;
    ended(input(call, scope, &mut |item| {
        found = Some(item);
        Err(Stop::Enough)
    }))?;
    found.map_or(Ok(()), sink)
}

/// `defineVariable(name, expression)`: remembers the input, or what the expression yields on it.
fn define<'a>(call: &'a Call, value: Option<&'a Node>, scope: Scope<'_, 'a>, sink: Sink<'_, 'a>) -> Flow {
    let items = collect(call, 0, scope)?;
    let value = match value {
        Some(node) => evaluate(node, scope.within(&items))?,
        None => items.clone(),
    };
    scope.define(call.place, value);
    hand_over(items, sink)
}
