//! An expression that was parsed once and can be evaluated any number of times, on any thread.

use std::collections::BTreeSet;
use std::fmt;

use super::ast::{Node, NodeKind};
use super::check;
use super::context::{Context, Scope, State, Ways};
use super::error::PathError;
use super::evaluate::evaluate;
use super::flow::Items;
use super::item::Item;
use super::stream::stream;
use super::truth::truth;
use super::{parser, roots, variables};

/// A parsed FHIRPath expression.
#[derive(Debug, Clone)]
pub struct Expression {
    text: String,
    node: Node,
}

impl Expression {
    /// Parses an expression; the fault says where and what to change.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        Ok(Self { text: text.to_string(), node: parser::parse(text, false)? })
    }

    /// Parses an expression that R4 or a guide ships, in a search parameter or an invariant: there `as` filters
    /// collections, as `ofType` does, and types that only other releases know are no fault: nothing is of them.
    pub fn parse_r4(text: &str) -> Result<Self, PathError> {
        Ok(Self { text: text.to_string(), node: parser::parse(text, true)? })
    }

    /// The text it was parsed from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Checks that the expression can find what it names when it is evaluated on a type (`Observation`, `HumanName`):
    /// for expressions that people write, at load. Evaluation itself takes an element that does not exist as empty.
    pub fn check(&self, type_name: &str) -> Result<(), PathError> {
        check::check(&self.node, type_name)
    }

    /// The `%names` that the caller must know (value sets, or variables of its own), each with its position: what
    /// FHIRPath and FHIR define themselves is left out.
    pub fn variables(&self) -> Vec<(&str, u32)> {
        let mut found = Vec::new();
        self.node.visit(&mut |node| match &node.kind {
            NodeKind::Variable(name) if !variables::is_defined(name) => found.push((name.as_str(), node.position)),
            _ => {}
        });
        found
    }

    /// What of the expression can be found in a type, of a union of what is found in several
    /// (`Patient.name | Person.name`); none where nothing can.
    pub fn of_type(&self, type_name: &str) -> Option<Self> {
        Some(Self { text: self.text.clone(), node: roots::of_type(&self.node, type_name)? })
    }

    /// The elements of a type whose content decides what it yields: `name` for `Patient.name.where(use = 'official').given`.
    pub fn roots(&self, type_name: &str) -> BTreeSet<&str> {
        roots::roots(&self.node, type_name)
    }

    /// The names of each walk from the type through its elements: `name`, `given` for `Patient.name.given`. One that does more than
    /// walk has none.
    pub fn walks(&self, type_name: &str) -> Vec<Vec<&str>> {
        roots::walks(&self.node, type_name)
    }

    /// The first names of an expression that begins at the item it is evaluated on: `code` for `code.coding`.
    pub fn start_names(&self) -> BTreeSet<&str> {
        roots::start_names(&self.node)
    }

    /// All items that the expression yields.
    pub fn evaluate<'a>(&'a self, context: &Context<'a>) -> Result<Vec<Item<'a>>, PathError> {
        let state = State::new(Ways { stream, truth });
        evaluate(&self.node, Scope::new(context, &state)).map(Items::into_vec)
    }

    /// Whether the expression holds. Empty is false, and one item that is no boolean is true.
    pub fn matches<'a>(&'a self, context: &Context<'a>) -> Result<bool, PathError> {
        let state = State::new(Ways { stream, truth });
        Ok(Scope::new(context, &state).truth(&self.node)?.unwrap_or(false))
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
