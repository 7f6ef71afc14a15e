//! One condition of a search: a parameter, and what its values are tested for (http://hl7.org/fhir/R4/search.html#modifiers).

use std::sync::Arc;

use super::asked::Asked;
use super::held::Held;
use super::parameter::Parameter;
use crate::fhir::resource::Resource;

/// What a parameter's values are tested for.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// One of them answers one of these.
    Any(Vec<Asked>),
    /// None of them answers any of these (`:not`); having none, a resource passes.
    None(Vec<Asked>),
    /// One of them answers none of these (`ne` of a filter).
    Other(Vec<Asked>),
    /// There are none (`:missing`), or there are.
    Missing(bool),
}

#[derive(Debug, Clone)]
pub struct Criterion {
    pub parameter: Arc<Parameter>,
    pub test: Test,
}

impl PartialEq for Criterion {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.parameter, &other.parameter) && self.test == other.test
    }
}

impl Criterion {
    /// Any of these values.
    pub fn any(parameter: &Arc<Parameter>, values: Vec<Asked>) -> Self {
        Self { parameter: Arc::clone(parameter), test: Test::Any(values) }
    }

    pub fn is_met_by(&self, resource: &Resource) -> bool {
        let held = self.parameter.held(resource);
        let answers = |asked: &[Asked]| held.iter().any(|held| asked.iter().any(|asked| asked.is_answered_by(held)));
        match &self.test {
            Test::Any(asked) => answers(asked),
            Test::None(asked) => !answers(asked),
            Test::Other(asked) => held
                .iter()
                .filter(|held| asked.iter().any(|asked| asked.is_comparable(held)))
                .any(|held| !asked.iter().any(|asked| asked.is_answered_by(held))),
            Test::Missing(missing) => held.iter().all(is_nothing) == *missing,
        }
    }
}

/// A place of a composite that lacks a part is no value.
fn is_nothing(held: &Held<'_>) -> bool {
    matches!(held, Held::Composite(parts) if parts.iter().any(Vec::is_empty))
}
