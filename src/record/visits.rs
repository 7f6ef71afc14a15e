//! Visits that cannot be told apart, or that may be one under two numbers. Nothing is joined here: a wrong join cannot be
//! undone by a machine, and the sender's numbers can be put right.

use super::encounter::only_mentions;
use super::working::Working;
use super::{State, Statement};
use crate::fhir::Resource;
use crate::problem::{Category, FieldPlace, Place, Problem};
use crate::unused::{Duty, Kind};

/// The fields that number a visit (HL7 v2.5.1, 3.4.3): the visit itself, an account that may cover several, another number.
const VISIT: &str = "PV1-19";
const ACCOUNT: &str = "PID-18";
const ALTERNATE: &str = "PV1-50";

/// What is doubtful about the visits that a statement tells of.
pub(super) fn doubts(working: &Working<'_>, statement: &Statement) -> Vec<Problem> {
    let mut problems = Vec::new();
    let visits = statement.drafts.iter().filter(|identified| identified.draft.resource.resource_type() == "Encounter");
    for identified in visits {
        if identified.draft.key.is_none() {
            // A result's visit without a number tells where it was taken, and goes nowhere.
            problems.extend((!only_mentions(&statement.trigger)).then(without_number));
            // Nothing lost: a visit without a number is told of just above, unless a result only mentions it.
            continue;
        }
        let current = working.current(&("Encounter".to_string(), identified.id));
        let Some(own) = current.filter(|(_, state)| state.superseded.is_none()).map(|(own, state)| numbers(own, state))
        else {
            // Nothing lost: a visit without a number is told of just above, unless a result only mentions it.
            continue;
        };
        let values = own.iter().map(|(_, value, _)| value.as_str());
        let others = working.visits(values).filter(|(id, _, _)| *id != identified.id);
        let shared = others.filter_map(|(_, other, state)| shared(&own, &numbers(other, state)));
        problems.extend(shared.map(possible_duplicate).next());
    }
    problems
}

/// A number with its system, where it has one, and the field it came from.
type Number = (Option<String>, String, String);

fn numbers(visit: &Resource, state: &State) -> Vec<Number> {
    let items = visit.get("identifier").and_then(serde_json::Value::as_array).into_iter().flatten();
    let text =
        |item: &serde_json::Value, name: &str| item.get(name).and_then(serde_json::Value::as_str).map(String::from);
    let numbers = items.filter_map(|item| {
        let (system, value) = (text(item, "system"), text(item, "value")?);
        let part = format!("identifier:{}|{value}", system.clone().unwrap_or_default());
        let field = state.sources.get(&part).cloned().unwrap_or_else(|| VISIT.to_string());
        Some((system, value, field))
    });
    numbers.collect()
}

/// The field by which two visits may be one.
fn shared(one: &[Number], other: &[Number]) -> Option<&'static str> {
    let has_number = |numbers: &[Number]| numbers.iter().any(|(_, _, field)| field == VISIT);
    let mut pairs = one.iter().flat_map(|mine| other.iter().map(move |theirs| (mine, theirs)));
    pairs.find_map(|((system, value, field), (their_system, their_value, their_field))| {
        let is_same_system = system == their_system;
        if value != their_value || (field == VISIT && their_field == VISIT) == is_same_system {
            return None;
        }
        let fields = [field.as_str(), their_field.as_str()];
        // One account covers several visits, each with its own number.
        if fields == [ACCOUNT, ACCOUNT] && has_number(one) && has_number(other) {
            return None;
        }
        Some(match fields {
            [VISIT, VISIT] => VISIT,
            fields if fields.contains(&ACCOUNT) => ACCOUNT,
            _ => ALTERNATE,
        })
    })
}

fn possible_duplicate(field: &str) -> Problem {
    let text = match field {
        VISIT => {
            "possible duplicate: another visit of this patient has this number under another authority; nothing was \
             joined, have the sender state the authority everywhere, or name `default_visit` in the feed"
        }
        ACCOUNT => {
            "possible duplicate: another visit of this patient is under this account, and one of the two has no number of \
             its own; nothing was joined, have the sender state PV1-19 everywhere"
        }
        _ => {
            "possible duplicate: another visit of this patient has this number under another field; nothing was joined, \
             have the sender state one PV1-19 for one visit"
        }
    };
    let place = Place::Field(at(field));
    Problem::warning(Category::Duplicate, place, text).unused(Kind::Visit, field).owed_by(Duty::Feed)
}

fn without_number() -> Problem {
    let text = "this visit has neither a number nor a time of admission: what is told of it later will look like another \
                visit; have the sender state PV1-19";
    let place = Place::Field(at(VISIT));
    Problem::warning(Category::Required, place, text).unused(Kind::Visit, "no visit number").owed_by(Duty::Feed)
}

fn at(field: &str) -> FieldPlace {
    let (segment, number) = field.split_once('-').unwrap_or((field, ""));
    FieldPlace::field(segment, 1, number.parse().unwrap_or(0))
}
