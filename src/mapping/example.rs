//! Running the examples that live in mapping files.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::apply::Run;
use super::language::{Example, Map as MapFile, MapKind};
use super::{Authorities, Context, MapSet};
use crate::hl7::{Message, ReadOptions};
use crate::problem::Problem;
use crate::yaml::Mark;

/// How one example went.
#[derive(Debug, Clone, PartialEq)]
pub struct ExampleResult {
    /// The map or message.
    pub of: String,
    pub mark: Mark,
    pub why: String,
    /// What differs, each with its place in the expectation; empty when all is as expected.
    pub differences: Vec<String>,
}

/// Times of examples are not those of any run.
const RECEIVED: Timestamp = Timestamp::UNIX_EPOCH;

impl MapSet {
    /// Runs every example of the set. Those that name no authorities or zone of their own use the given ones.
    pub fn run_examples(&self, zone: &TimeZone, authorities: &Authorities) -> Vec<ExampleResult> {
        let mut results = Vec::new();
        for (index, map) in self.maps.iter().enumerate() {
            for example in &map.examples {
                let found =
                    self.with_context(example, zone, authorities, |context| self.of_map(index, map, example, context));
                results.push(result(&map.name, example, found));
            }
        }
        for message in &self.messages {
            for example in &message.examples {
                let found = self.with_context(example, zone, authorities, |context| self.of_message(example, context));
                results.push(result(&message.name, example, found));
            }
        }
        results
    }

    fn with_context(
        &self,
        example: &Example,
        zone: &TimeZone,
        authorities: &Authorities,
        run: impl FnOnce(&Context<'_>) -> Result<Value, String>,
    ) -> Result<Value, String> {
        let own_zone = match &example.zone {
            Some(name) => Some(TimeZone::get(name).map_err(|_| format!("there is no time zone `{name}`"))?),
            None => None,
        };
        let mut own = authorities.clone();
        own.namespaces.extend(example.authorities.iter().cloned());
        run(&Context {
            zone: own_zone.as_ref().unwrap_or(zone),
            authorities: &own,
            habits: &example.habits,
            received: RECEIVED,
        })
    }

    fn of_map(&self, index: usize, map: &MapFile, example: &Example, context: &Context<'_>) -> Result<Value, String> {
        let given = match &map.kind {
            MapKind::Segment(_) => example.given.clone(),
            // A value of a datatype stands in a field of a segment that exists for this alone.
            MapKind::Datatype(_) => format!("ZZZ|{}", example.given),
        };
        let message = read(&given)?;
        let mut run = Run::new(self, &message, context);
        match &map.kind {
            MapKind::Segment(_) => run.alone(index, map),
            MapKind::Datatype(_) => return Ok(run.value_alone(index, map)),
        }
        run.sweep();
        check_says(example, &run.problems)?;
        let draft = run.made.iter().find(|made| made.map == index).map(|made| Value::from(made.draft.resource.clone()));
        Ok(draft.unwrap_or(Value::Null))
    }

    fn of_message(&self, example: &Example, context: &Context<'_>) -> Result<Value, String> {
        let message = read(&example.given)?;
        let mapped = self.apply(&message, context);
        check_says(example, &mapped.problems)?;
        let drafts = mapped.drafts.into_iter().map(|draft| (draft.local, Value::from(draft.resource)));
        Ok(Value::Object(drafts.collect::<Map<String, Value>>()))
    }
}

/// What was said must be what the example expects, whatever the order.
fn check_says(example: &Example, problems: &[Problem]) -> Result<(), String> {
    let Some(expected) = &example.says else { return Ok(()) };
    let words = |problem: &Problem| {
        problem.unused.as_ref().map(|unused| format!("{} {}", unused.kind.word(), unused.about).trim().to_string())
    };
    let mut said: Vec<String> = problems.iter().filter_map(words).collect();
    let mut wanted = expected.clone();
    said.sort();
    wanted.sort();
    if said == wanted { Ok(()) } else { Err(format!("says: expected {wanted:?}, found {said:?}")) }
}

fn read(given: &str) -> Result<Message, String> {
    let body: Vec<&str> = given.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut text = body.join("\r");
    if !text.starts_with("MSH") {
        text = format!("MSH|^~\\&|APP|FACILITY|||20260301120000||ACK|1|P|2.5.1\r{text}");
    }
    text.push('\r');
    let reading = Message::parse(text.into_bytes(), &ReadOptions::default());
    reading.message.ok_or_else(|| "the example is not readable as HL7".to_string())
}

fn result(of: &str, example: &Example, found: Result<Value, String>) -> ExampleResult {
    let mut differences = Vec::new();
    match found {
        Ok(found) => compare(&example.expect, &found, "", &mut differences),
        Err(said) => differences.push(said),
    }
    ExampleResult { of: of.to_string(), mark: example.mark.clone(), why: example.why.clone(), differences }
}

/// Every key that is expected must be there and agree; `null` expects absence; lists agree item by item and in length.
fn compare(expected: &Value, found: &Value, at: &str, differences: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (key, value) in expected {
                let place = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                match found.get(key) {
                    Some(found) => compare(value, found, &place, differences),
                    None if value.is_null() => {}
                    None => differences.push(format!("{place}: expected {value}, found nothing")),
                }
            }
        }
        (Value::Array(expected), Value::Array(found)) => {
            if expected.len() != found.len() {
                differences.push(format!("{at}: expected {} items, found {}", expected.len(), found.len()));
            }
            for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
                compare(expected, found, &format!("{at}[{index}]"), differences);
            }
        }
        // YAML writes 152.50 as it likes: numbers agree by value.
        (Value::Number(expected), Value::Number(found)) if expected.as_f64() == found.as_f64() => {}
        (expected, found) if expected == found => {}
        (expected, found) => differences.push(format!("{at}: expected {expected}, found {found}")),
    }
}
