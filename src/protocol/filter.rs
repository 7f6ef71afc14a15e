//! `where:` of a rule: a FHIRPath expression on the resource at hand, checked against its type when the file is read.
//! Value sets are asked for with `memberOf('copd')`.

use jiff::Timestamp;
use jiff::tz::Offset;

use crate::fhir::path::{Context, Expression};
use crate::fhir::{Resource, ValueSets};
use crate::problem::Problem;
use crate::yaml::Node;

/// A compiled `where`.
#[derive(Debug, Clone)]
pub struct Filter {
    expression: Expression,
    /// As it is written.
    text: String,
}

impl Filter {
    /// Compiles an expression; a fault says at which character of it.
    pub fn read(node: &Node, resource_type: &str, problems: &mut Vec<Problem>) -> Option<Self> {
        let text = node.as_text().unwrap_or_default();
        let checked = Expression::parse(&text).and_then(|expression| {
            expression.check(resource_type)?;
            Ok(expression)
        });
        match checked {
            Ok(expression) => Some(Self { expression, text }),
            Err(fault) => {
                problems.push(node.problem(format!("`where` on {resource_type}: {fault}")));
                None
            }
        }
    }

    /// As it is written, for people who read the rule.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it holds. What cannot be evaluated does not hold.
    pub fn holds(&self, resource: &Resource, value_sets: &ValueSets, now: Timestamp) -> bool {
        let knows = |name: &str, system: &str, code: &str| value_sets.membership(name, system, code);
        let context = Context::new(resource).at(now, Offset::UTC).knowing(&knows);
        self.expression.matches(&context).unwrap_or(false)
    }
}
