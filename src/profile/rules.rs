//! What a profile and its bases say of each element beyond R4's own definition, put together as a tree: the constraints
//! of a snapshot (http://hl7.org/fhir/R4/profiling.html#snapshot) without what R4 core says anyway.

use std::sync::OnceLock;

use serde_json::Value;

use super::errata::corrected;
use super::mark::Mark;
use crate::fhir::definition::{
    Binding, Constraint, Definitions, ElementDefinition, ElementRule, Max, Slicing, TypeDefinition, TypeRef,
};
use crate::fhir::path::Expression;

/// What is said of one element, or of one slice of it.
#[derive(Debug, Default)]
pub(super) struct Rules {
    pub min: u32,
    pub max: Option<Max>,
    pub types: Vec<TypeRef>,
    pub binding: Option<Binding>,
    pub limit: Option<String>,
    pub fixed: Option<Value>,
    pub pattern: Option<Value>,
    pub least: Option<Value>,
    pub greatest: Option<Value>,
    pub max_length: Option<usize>,
    pub is_must_support: bool,
    pub invariants: Vec<Invariant>,
    pub slicing: Option<Slicing>,
    pub slices: Vec<Slice>,
    /// By name; a choice by its name without type.
    pub children: Vec<(String, Rules)>,
}

/// Some items of a list, under a name.
#[derive(Debug)]
pub(super) struct Slice {
    pub name: String,
    pub rules: Rules,
    /// What an item is known by, one for each discriminator; found out when first needed.
    pub marks: OnceLock<Vec<Mark>>,
}

impl Slice {
    fn new(name: &str) -> Self {
        Self { name: name.to_string(), rules: Rules::default(), marks: OnceLock::new() }
    }
}

/// A constraint, parsed once.
#[derive(Debug)]
pub(super) struct Invariant {
    pub key: String,
    pub is_error: bool,
    pub text: String,
    /// None for one that cannot be read.
    pub expression: Option<Expression>,
}

impl Invariant {
    /// A context invariant of an extension, which has no key.
    pub fn of_context(text: &str) -> Self {
        let constraint = Constraint { key: "of its context".to_string(), is_error: true, expression: text.to_string() };
        Self::new(&constraint)
    }

    pub fn new(constraint: &Constraint) -> Self {
        Self {
            key: constraint.key.clone(),
            is_error: constraint.is_error,
            text: constraint.expression.clone(),
            expression: Expression::parse_r4(&constraint.expression).ok(),
        }
    }
}

impl Rules {
    /// Adds what a differential says of an element below this one.
    pub fn add(&mut self, rule: &ElementRule, definition: Option<&'static TypeDefinition>) {
        let (node, element) = self.node(&rule.path, definition);
        node.merge(rule);
        if let Some(strength) = rule.strength.filter(|_| rule.binding.is_none()) {
            let former = node.binding.as_ref().or_else(|| element?.binding.as_ref());
            node.binding = former.map(|former| Binding { strength, value_set: former.value_set.clone() });
        }
    }

    /// The rules of the element with that id, made when there are none yet, and what R4 says of it.
    fn node(
        &mut self,
        path: &str,
        mut definition: Option<&'static TypeDefinition>,
    ) -> (&mut Self, Option<&'static ElementDefinition>) {
        let mut node = self;
        let mut last = None;
        for step in path.split('.').filter(|step| !step.is_empty()) {
            let (name, slices) = step.split_once(':').map_or((step, None), |(name, slices)| (name, Some(slices)));
            let element = definition.and_then(|definition| definition.element(name.trim_end_matches("[x]")));
            // `valueQuantity` stands for the slice `valueQuantity` of `value[x]`.
            let choice = element.and_then(|element| element.choice.as_deref());
            let (name, slices) = match choice {
                Some(choice) => (choice, Some(slices.unwrap_or(name))),
                None => (name.trim_end_matches("[x]"), slices),
            };
            node = node.child_mut(name);
            for slice in slices.into_iter().flat_map(|slices| slices.split('/')) {
                node = node.slice_mut(slice);
            }
            let typed = slices.and_then(|slice| definition.and_then(|definition| definition.element(slice)));
            last = typed.or(element);
            definition = last.and_then(ElementDefinition::definition).or_else(|| match node.types.as_slice() {
                [one] => Definitions::r4().type_definition(&one.code),
                _ => None,
            });
        }
        (node, last)
    }

    fn child_mut(&mut self, name: &str) -> &mut Self {
        let index = self.children.iter().position(|(own, _)| own == name).unwrap_or_else(|| {
            self.children.push((name.to_string(), Self::default()));
            self.children.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "the index was just found or made")]
        &mut self.children[index].1
    }

    fn slice_mut(&mut self, name: &str) -> &mut Self {
        let index = self.slices.iter().position(|slice| slice.name == name).unwrap_or_else(|| {
            self.slices.push(Slice::new(name));
            self.slices.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "the index was just found or made")]
        &mut self.slices[index].rules
    }

    /// What is said later narrows, or replaces, what was said before.
    fn merge(&mut self, rule: &ElementRule) {
        self.min = self.min.max(rule.min.unwrap_or(0));
        self.max = match (self.max, rule.max) {
            (Some(Max::Count(own)), Some(Max::Count(new))) => Some(Max::Count(own.min(new))),
            (own, None | Some(Max::Many)) => own,
            (_, new) => new,
        };
        if !rule.types.is_empty() {
            self.types.clone_from(&rule.types);
        }
        self.is_must_support |= rule.is_must_support;
        replace(&mut self.binding, &rule.binding);
        replace(&mut self.limit, &rule.limit);
        replace(&mut self.fixed, &rule.fixed);
        replace(&mut self.pattern, &rule.pattern);
        replace(&mut self.least, &rule.least);
        replace(&mut self.greatest, &rule.greatest);
        replace(&mut self.max_length, &rule.max_length);
        replace(&mut self.slicing, &rule.slicing);
        self.add_invariants(&rule.constraints);
    }

    pub fn add_invariants(&mut self, constraints: &[Constraint]) {
        for constraint in constraints {
            if !self.invariants.iter().any(|own| own.key == constraint.key) {
                self.invariants.extend(corrected(constraint).iter().map(Invariant::new));
            }
        }
    }

    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|(own, _)| own == name).map(|(_, rules)| rules)
    }
}

fn replace<T: Clone>(own: &mut Option<T>, new: &Option<T>) {
    if new.is_some() {
        own.clone_from(new);
    }
}
