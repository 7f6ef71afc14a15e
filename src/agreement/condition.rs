//! `where` of a line: a FHIRPath expression on the resource, in which `%name` is a value set: `code in %copd`.

use jiff::Timestamp;
use jiff::tz::Offset;

use crate::fhir::path::{Context, Expression};
use crate::fhir::{Resource, ValueSets};
use crate::yaml::nearest;

/// A compiled `where`.
#[derive(Debug)]
pub struct Condition {
    /// As written.
    pub text: String,
    expression: Expression,
}

impl Condition {
    /// Compiles and checks an expression on a resource type; the fault says what to change.
    pub(super) fn compile(text: &str, resource_type: &str, value_sets: &ValueSets) -> Result<Self, String> {
        let quoted = quote_names(text, value_sets)?;
        let expression = Expression::parse(&quoted).map_err(|fault| fault.to_string())?;
        expression.check(resource_type).map_err(|fault| fault.to_string())?;
        Ok(Self { text: text.to_string(), expression })
    }

    /// Whether it holds for a resource. A fault while evaluating is told without any value of the resource.
    pub(super) fn holds(&self, resource: &Resource, value_sets: &ValueSets, now: Timestamp) -> Result<bool, String> {
        let knows = |name: &str, system: &str, code: &str| value_sets.membership(name, system, code);
        let context = Context::new(resource).at(now, Offset::UTC).knowing(&knows);
        self.expression.matches(&context).map_err(|fault| fault.to_string())
    }
}

/// Names that FHIRPath itself or FHIR defines.
const DEFINED: [&str; 6] = ["context", "resource", "rootResource", "ucum", "sct", "loinc"];

/// Puts quotes around the names of value sets: their dashes would be read as minus.
fn quote_names(text: &str, value_sets: &ValueSets) -> Result<String, String> {
    let mut quoted = String::with_capacity(text.len() + 4);
    let mut inside: Option<char> = None;
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let after = rest.get(next.len_utf8()..).unwrap_or_default();
        let end = after.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-' && letter != '_');
        let (name, tail) = after.split_at(end.unwrap_or(after.len()));
        match (inside, next) {
            (None, '%') if !name.is_empty() && !is_defined(name) => {
                if value_sets.get(name).is_none() {
                    let hint = nearest(name, value_sets.names()).map(|near| format!("; did you mean `%{near}`?"));
                    return Err(format!("there is no value set `{name}`{}", hint.unwrap_or_default()));
                }
                quoted.push_str(&format!("%`{name}`"));
                rest = tail;
                continue;
            }
            (None, '\'' | '`' | '"') => inside = Some(next),
            (Some(mark), _) if mark == next => inside = None,
            _ => {}
        }
        quoted.push(next);
        rest = after;
    }
    Ok(quoted)
}

fn is_defined(name: &str) -> bool {
    DEFINED.contains(&name) || name.starts_with("vs-") || name.starts_with("ext-")
}
