//! Checks an expression against the definitions before it is ever evaluated: elements that do not exist, paths that
//! start at another type, JSON names of choices, and order where there is none.

use std::cell::RefCell;
use std::collections::HashMap;

use super::ast::{Call, Node, NodeKind, TypeSpecifier};
use super::error::PathError;
use super::functions::Function;
use super::step::Step;
use crate::fhir::definition::{Definitions, ElementDefinition, TypeDefinition};
use crate::yaml::nearest;

/// The types that a part of an expression may yield; none when that is not known before evaluation.
type Shape = Option<Vec<&'static TypeDefinition>>;

/// What a part of an expression is checked in.
#[derive(Clone, Copy)]
struct Checked<'c> {
    root: &'c Shape,
    this: &'c Shape,
    /// What `defineVariable()` defined so far, by the numbers of the places.
    defined: &'c RefCell<HashMap<usize, Shape>>,
}

/// Checks an expression that will be evaluated on a type.
pub(super) fn check(node: &Node, type_name: &str) -> Result<(), PathError> {
    let Some(definition) = Definitions::r4().type_definition(type_name) else {
        return Err(PathError::at(0, format!("there is no type `{type_name}`")));
    };
    let root = shape_of(definition);
    let defined = RefCell::default();
    shape(node, Checked { root: &root, this: &root, defined: &defined }).map(|_| ())
}

/// An abstract type says nothing about what an instance has.
fn shape_of(definition: &'static TypeDefinition) -> Shape {
    (!definition.is_abstract).then(|| vec![definition])
}

fn shape(node: &Node, at: Checked<'_>) -> Result<Shape, PathError> {
    match &node.kind {
        NodeKind::This => Ok(at.this.clone()),
        NodeKind::Variable(name) if matches!(name.as_str(), "resource" | "context" | "rootResource") => {
            Ok(at.root.clone())
        }
        NodeKind::Literal(_) | NodeKind::Empty | NodeKind::Index | NodeKind::Total | NodeKind::Variable(_) => Ok(None),
        NodeKind::Defined(place) => Ok(at.defined.borrow().get(place).cloned().flatten()),
        NodeKind::Path { target, steps } => path_shape(target.as_deref(), steps, at),
        NodeKind::Indexer { target, index } => {
            shape(index, at)?;
            require_order(target, "an index")?;
            shape(target, at)
        }
        NodeKind::Call(call) => call_shape(call, at),
        NodeKind::Negate(value) | NodeKind::Plus(value) | NodeKind::Is { value, .. } => {
            shape(value, at)?;
            Ok(None)
        }
        NodeKind::As { value, kind } => {
            shape(value, at)?;
            Ok(named(kind))
        }
        NodeKind::Binary { operator, left, right } => {
            let (left, right) = (shape(left, at)?, shape(right, at)?);
            Ok(if *operator == super::ast::Operator::Union { both(left, right) } else { None })
        }
    }
}

fn path_shape(target: Option<&Node>, steps: &[Step], at: Checked<'_>) -> Result<Shape, PathError> {
    let (mut own, rest) = match (target, steps) {
        (None, [first, rest @ ..]) => (start(&first.name, first.position, at.this)?, rest),
        (Some(target), _) => (shape(target, at)?, steps),
        (None, []) => return Ok(None),
    };
    for step in rest {
        own = member(&own, &step.name, step.position)?;
    }
    Ok(own)
}

fn named(kind: &TypeSpecifier) -> Shape {
    Definitions::r4().type_definition(&kind.name).and_then(shape_of)
}

fn both(left: Shape, right: Shape) -> Shape {
    let mut all = left?;
    all.extend(right?);
    Some(all)
}

fn start(name: &str, position: u32, this: &Shape) -> Result<Shape, PathError> {
    let known = Definitions::r4();
    let is_type = name.starts_with(|letter: char| letter.is_ascii_uppercase()) && known.kind(name).is_some();
    match this {
        Some(types) if is_type => {
            if types.iter().any(|own| known.is_subtype(&own.name, name)) {
                return Ok(this.clone());
            }
            let own = types.first().map_or("", |own| own.name.as_str());
            Err(PathError::at(
                position,
                format!("this is evaluated on {own}, so a path that starts with `{name}` finds nothing"),
            ))
        }
        None if is_type => Ok(known.type_definition(name).and_then(shape_of)),
        _ => member(this, name, position),
    }
}

fn member(parents: &Shape, name: &str, position: u32) -> Result<Shape, PathError> {
    let Some(parents) = parents else { return Ok(None) };
    let mut found: Option<Shape> = None;
    for parent in parents {
        match parent.element(name) {
            Some(element) if element.choice.is_none() => {
                let types = element_shape(element);
                found = Some(match found {
                    Some(former) => both(former, types),
                    None => types,
                });
            }
            Some(element) => {
                let choice = element.choice.as_deref().unwrap_or_default();
                let kind = element.type_name().unwrap_or_default();
                let text = format!("in a path `{name}` is written `{choice}`, or `{choice}.ofType({kind})`");
                return Err(PathError::at(position, text));
            }
            None => {}
        }
    }
    found.ok_or_else(|| {
        let own = parents.first().map_or("", |own| own.name.as_str());
        let names = parents.iter().flat_map(|parent| parent.elements.iter().map(|element| element.name.as_str()));
        let hint = nearest(name, names).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        PathError::at(position, format!("{own} has no element `{name}`{hint}"))
    })
}

fn element_shape(element: &'static ElementDefinition) -> Shape {
    if !element.is_choice {
        return element.definition().and_then(shape_of);
    }
    let known = Definitions::r4();
    element.types.iter().map(|kind| known.type_definition(&kind.code).filter(|kind| !kind.is_abstract)).collect()
}

fn call_shape(call: &Call, at: Checked<'_>) -> Result<Shape, PathError> {
    use Function as F;
    let input = match &call.target {
        Some(target) => shape(target, at)?,
        None => at.this.clone(),
    };
    if matches!(call.function, F::First | F::Last | F::Tail | F::Skip | F::Take)
        && let Some(target) = &call.target
    {
        require_order(target, call.function.name())?;
    }
    let inside = Checked { this: &input, ..at };
    let is_criterion = matches!(
        call.function,
        F::Where | F::Select | F::Exists | F::All | F::Repeat | F::Aggregate | F::Sort | F::Trace | F::DefineVariable
    );
    let scope = if is_criterion || (call.function == F::Iif && call.target.is_some()) { inside } else { at };
    let mut arguments = Vec::with_capacity(call.arguments.len());
    for argument in &call.arguments {
        arguments.push(shape(argument, scope)?);
    }
    if call.function == F::DefineVariable {
        let value = if arguments.len() > 1 { arguments.pop().flatten() } else { input.clone() };
        at.defined.borrow_mut().insert(call.place, value);
    }
    let mut arguments = arguments.into_iter();
    Ok(match call.function {
        F::Where
        | F::First
        | F::Last
        | F::Tail
        | F::Skip
        | F::Take
        | F::Single
        | F::Distinct
        | F::Intersect
        | F::Exclude
        | F::Trace
        | F::Slice
        | F::CheckModifiers
        | F::DefineVariable
        | F::Sort => input,
        F::ElementDefinition => Definitions::r4().type_definition("ElementDefinition").and_then(shape_of),
        F::Select => arguments.next().flatten(),
        F::Union | F::Combine => both(input, arguments.next().flatten()),
        F::OfType | F::As => call.kind.as_ref().and_then(named),
        F::Extension => Definitions::r4().type_definition("Extension").and_then(shape_of),
        F::Iif => {
            let then = arguments.nth(1).flatten();
            both(then, arguments.next().flatten())
        }
        _ => None,
    })
}

/// Children and descendants come in no order that an expression could count on.
fn require_order(target: &Node, what: &str) -> Result<(), PathError> {
    match &target.kind {
        NodeKind::Call(call) if matches!(call.function, Function::Children | Function::Descendants) => {
            Err(PathError::at(
                target.position,
                format!("`{}()` has no order, so `{what}` means nothing here", call.function.name()),
            ))
        }
        _ => Ok(()),
    }
}
