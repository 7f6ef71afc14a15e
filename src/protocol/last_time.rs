//! How work of the same code ended the last time that a person ended it, in whatever protocol: an offer that was declined comes back with why.

use serde_json::Value;

use super::attempts::is_attempt;
use super::context::Context;
use super::model::TaskRule;
use super::names;
use super::sources::{Sources, of};
use super::wording::shorten;
use super::work::Existing;
use crate::fhir::{Resource, concept_title};

/// The place in a text that it fills.
pub const PLACE: &str = "last-time";

/// So many characters are repeated of what somebody said.
const LONGEST: usize = 500;

pub struct LastTime {
    pub words: String,
    /// What these words tell of.
    pub sources: Sources,
}

/// None where the rule does not ask, or nobody ended such work yet.
pub fn of_rule(context: &Context<'_>, rule: &TaskRule) -> Option<LastTime> {
    if !rule.text.has(PLACE) {
        return None;
    }
    let is_same = |one: &&Existing<'_>| {
        let codings = one.stored.resource.codings("code");
        codings.iter().any(|(system, code)| (*system, *code) == (names::TASK_CODE, rule.code.as_str()))
    };
    let ended = context.existing.values().flatten().filter(|one| one.is_touched() && ending(one.status()).is_some());
    let last = ended.filter(is_same).max_by_key(|one| (at(one), one.stored.id))?;
    let how = ending(last.status()).unwrap_or_default();
    let when = context.facts.say(at(last));
    let said = said(&last.stored.resource);
    let why = if said.is_empty() { "; nobody wrote down why".to_string() } else { format!(": “{said}”") };
    let mut sources = of([last.stored]);
    sources.extend(last.work.told.iter().cloned());
    Some(LastTime { words: format!("The last time, {when}, it was {how}{why}."), sources })
}

fn at(existing: &Existing<'_>) -> jiff::Timestamp {
    existing.work.closed.unwrap_or_else(|| existing.touched_at())
}

/// How people call it; none where work has not ended, or should never have been there.
fn ending(status: &str) -> Option<&'static str> {
    match status {
        "completed" => Some("closed"),
        "cancelled" => Some("called off"),
        "rejected" => Some("declined"),
        "failed" => Some("given up"),
        _ => None,
    }
}

/// What whoever ended a Task wrote down: why, what came of it, and how it stands.
fn said(task: &Resource) -> String {
    let outputs = task.get("output").and_then(Value::as_array).into_iter().flatten();
    let outcomes = outputs.filter(|output| !is_attempt(output)).filter_map(|output| {
        let text = |name: &str| output.get(name).and_then(Value::as_str);
        text("valueString").or_else(|| text("valueCode")).or_else(|| concept_title(output.get("valueCodeableConcept")))
    });
    let mut words: Vec<&str> = concept_title(task.get("statusReason")).into_iter().chain(outcomes).collect();
    words.extend(concept_title(task.get("businessStatus")));
    // Nothing lost: the Task that ended says it whole.
    shorten(&words.join("; "), LONGEST)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said_of(task: Value) -> String {
        said(&Resource::try_from(task).unwrap())
    }

    #[test]
    fn what_was_written_down_is_repeated_and_attempts_are_not() {
        let attempt = json!({ "type": { "coding": [{ "system": names::CONTACT, "code": "no-answer" }] }, "valueDateTime": "2026-02-01" });
        let task = json!({ "resourceType": "Task", "status": "rejected",
            "statusReason": { "coding": [{ "system": "urn:why", "code": "pat-ref", "display": "Patient refused" }] },
            "businessStatus": { "text": "will think about it" },
            "output": [attempt, { "type": { "text": "Outcome" }, "valueString": "afraid of cost" },
                { "type": { "text": "Result" }, "valueCodeableConcept": { "text": "transport" } }] });
        assert_eq!(said_of(task), "Patient refused; afraid of cost; transport; will think about it");
        assert_eq!(said_of(json!({ "resourceType": "Task", "output": [attempt] })), "");
        let long = said_of(json!({ "resourceType": "Task", "statusReason": { "text": "ä".repeat(501) } }));
        assert_eq!((long.chars().count(), long.ends_with('…')), (500, true));
        assert_eq!(
            ["rejected", "failed", "entered-in-error", "accepted"].map(ending),
            [Some("declined"), Some("given up"), None, None]
        );
    }
}
