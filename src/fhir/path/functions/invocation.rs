//! A call of a function, and what it is given.

use std::borrow::Cow;

use crate::fhir::path::ast::{Call, Node};
use crate::fhir::path::context::Scope;
use crate::fhir::path::error::PathError;
use crate::fhir::path::evaluate::evaluate;
use crate::fhir::path::flow::Items;
use crate::fhir::path::item::Item;

/// One call while it is evaluated: its arguments are evaluated when asked for.
#[derive(Clone, Copy)]
pub(super) struct Invocation<'s, 'a> {
    pub call: &'a Call,
    pub position: u32,
    pub scope: Scope<'s, 'a>,
}

impl<'s, 'a> Invocation<'s, 'a> {
    pub fn fault(&self, text: &str) -> PathError {
        PathError::at(self.position, format!("`{}`: {text}", self.call.function.name()))
    }

    pub fn node(&self, index: usize) -> Option<&'a Node> {
        self.call.arguments.get(index)
    }

    /// An argument that is the same for all items; empty when it is not given.
    pub fn argument(&self, index: usize) -> Result<Items<'a>, PathError> {
        self.node(index).map_or_else(|| Ok(Items::new()), |node| evaluate(node, self.scope))
    }

    /// An argument evaluated for one item.
    pub fn on(&self, index: usize, item: &Item<'a>, count: usize) -> Result<Items<'a>, PathError> {
        let Some(node) = self.node(index) else { return Ok(Items::new()) };
        evaluate(node, self.scope.on(std::slice::from_ref(item), count))
    }

    /// An argument that is one text; none when it is empty.
    pub fn text(&self, index: usize) -> Result<Option<Cow<'a, str>>, PathError> {
        self.node(index).map_or(Ok(None), |node| self.text_of(node))
    }

    /// A part of the expression that is one text; none when it is empty.
    pub fn text_of(&self, node: &'a Node) -> Result<Option<Cow<'a, str>>, PathError> {
        match evaluate(node, self.scope)?.as_slice() {
            [] => Ok(None),
            [one] => one.as_text().map(Some).ok_or_else(|| self.fault("text was expected as argument")),
            _ => Err(self.fault("one text was expected as argument, not several")),
        }
    }

    /// An argument that is one whole number; none when it is empty.
    pub fn integer(&self, index: usize) -> Result<Option<i64>, PathError> {
        match self.argument(index)?.as_slice() {
            [] => Ok(None),
            [one] => match one.system() {
                Some(Item::Integer(value)) => Ok(Some(value)),
                _ => Err(self.fault("a whole number was expected as argument")),
            },
            _ => Err(self.fault("one whole number was expected as argument, not several")),
        }
    }

    /// The one item that the function is applied to; none when there is none.
    pub fn single<'i>(&self, input: &'i [Item<'a>]) -> Result<Option<&'i Item<'a>>, PathError> {
        match input {
            [] => Ok(None),
            [one] => Ok(Some(one)),
            _ => Err(self.fault("works on one item; choose one with `first()` or use `select()`")),
        }
    }
}
