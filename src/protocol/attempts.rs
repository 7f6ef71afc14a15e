//! Documented attempts to reach a patient: so many of them are what is owed by the due date (CMS, 99495 and 99496: two attempts in
//! time), and the calls go on until somebody is reached.

use serde_json::Value;

use super::model::TaskRule;
use super::names;
use super::work::Existing;
use crate::fhir::{Resource, codings_of, concept_title};

fn documented(existing: &Existing<'_>) -> usize {
    documented_in(&existing.stored.resource)
}

/// How many attempts a Task tells of.
pub fn documented_in(task: &Resource) -> usize {
    attempts_in(task).count()
}

/// One documented attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt<'a> {
    /// How it went, in words.
    pub words: &'a str,
    /// As the Task states it.
    pub at: &'a str,
}

/// The attempts that a Task tells of, oldest first.
pub fn attempts_in(task: &Resource) -> impl Iterator<Item = Attempt<'_>> {
    let outputs = task.get("output").and_then(Value::as_array).into_iter().flatten();
    outputs.filter(|output| is_attempt(output)).map(|output| Attempt {
        words: concept_title(output.get("type")).unwrap_or_default(),
        at: output.get("valueDateTime").and_then(Value::as_str).unwrap_or_default(),
    })
}

/// Whether an output of a Task tells of an attempt.
pub fn is_attempt(output: &Value) -> bool {
    output.get("type").is_some_and(|kind| codings_of(kind).iter().any(|(system, _)| *system == names::CONTACT))
}

/// Whether the attempts that a rule asks for have been made.
pub fn are_enough(rule: &TaskRule, existing: &Existing<'_>) -> bool {
    rule.attempts.is_some_and(|asked| documented(existing) >= asked)
}

/// What a text says of attempts; nothing while there are none, or where the rule counts none.
pub fn words(rule: &TaskRule, existing: Option<&Existing<'_>>) -> String {
    let made = existing.map_or(0, documented);
    match rule.attempts {
        Some(asked) if made >= asked => {
            format!(
                " {made} attempts are documented: what is owed by the date is done. Go on until the patient is reached."
            )
        }
        Some(asked) if made > 0 => format!(" {made} of {asked} attempts are documented."),
        _ => String::new(),
    }
}
