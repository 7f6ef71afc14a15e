//! When a message says that it happened, and to each visit what. Each of several visits has its own event and its own time.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::event::{self, Event};
use super::focus::{About, Focus};
use crate::mapping;
use crate::pipeline::find::FHIR;
use crate::pipeline::write::entry::Entry;
use crate::pipeline::write::refusal::Refusal;
use crate::problem::{Category, Place, Problem};
use crate::unused::Kind;

/// How far a sender's clock may be ahead without a word.
const SKEW: SignedDuration = SignedDuration::from_mins(2);

/// What happened by a message, and when: of several visits the last; the others have their own.
pub(super) fn what_happened(
    focus: &Focus,
    bundle: &Value,
    entries: &mut [Entry],
    now: Timestamp,
    notes: &mut Vec<Problem>,
) -> Result<mapping::Event, Refusal> {
    let recorded = sent(bundle, now, notes);
    let told = |trigger: &str, occurred: Timestamp| mapping::Event {
        code: FHIR.into(),
        trigger: trigger.into(),
        occurred,
        recorded,
    };
    let happened = match &focus.about {
        About::Subject(trigger, _) => return Ok(told(trigger, recorded)),
        About::Visits(event) => *event,
    };
    let is_visit = |entry: &&mut Entry, places: &BTreeSet<usize>| places.contains(&entry.place);
    for entry in entries.iter_mut().filter(|entry| is_visit(entry, &focus.places)) {
        let (trigger, occurred) = of_visit(happened, entry, recorded, notes)?;
        entry.event = Some(told(trigger, occurred));
    }
    let of_visits = entries.iter().filter_map(|entry| entry.event.clone());
    let whole = of_visits.max_by_key(|event| event.occurred).unwrap_or_else(|| told("A08", recorded));
    // Those that are as the message is need none of their own.
    entries.iter_mut().for_each(|entry| entry.event = entry.event.take().filter(|own| *own != whole));
    Ok(whole)
}

/// What happened to one visit, and when.
fn of_visit(
    happened: Event,
    entry: &mut Entry,
    recorded: Timestamp,
    notes: &mut Vec<Problem>,
) -> Result<(&'static str, Timestamp), Refusal> {
    let class = entry.resource.get("class").and_then(|class| class.get("code")?.as_str()).unwrap_or_default();
    let stated = entry.resource.text("status").unwrap_or_default();
    let at = entry.at("status");
    let (trigger, status, note) =
        happened.judge(class, stated).map_err(|text| Refusal::at(422, Category::BusinessRule, at.clone(), text))?;
    let is_over = matches!(stated, "finished") || trigger == "A03";
    if let Some(text) = note {
        let problem = Problem::warning(Category::BusinessRule, Place::Element(at), text);
        notes.push(problem.unused(Kind::Visit, "event and status of a visit"));
    }
    if !status.is_empty() {
        entry.resource.set("status", json!(status));
    }
    let visit = Value::from(entry.resource.clone());
    let at = event::happened(trigger, &visit).and_then(|at| at.parse::<Timestamp>().ok());
    let occurred = at.filter(|at| *at <= recorded).unwrap_or(recorded);
    if !is_over
        && let Some(Value::Object(period)) = entry.resource.as_map_mut().get_mut("period")
        && period.shift_remove("end").is_some()
    {
        period.shift_remove("_end");
        let text = "a visit that goes on has no end; it was left out";
        let place = Place::Element(entry.at("period.end"));
        notes.push(Problem::warning(Category::BusinessRule, place, text).unused(Kind::Time, "Encounter.period.end"));
    }
    Ok((trigger, occurred))
}

/// When the message was made; a clock that is ahead would outdo all that is said until then.
fn sent(bundle: &Value, now: Timestamp, notes: &mut Vec<Problem>) -> Timestamp {
    let stated = bundle.get("timestamp").and_then(Value::as_str);
    let text = match stated.map(str::parse::<Timestamp>) {
        // Clocks differ by a little.
        Some(Ok(at)) if at <= now.saturating_add(SKEW).unwrap_or(now) => return at.min(now),
        Some(Ok(_)) => "the message is from the future; the time of its arrival stands in for it",
        Some(Err(_)) => "this cannot be read as a time; that of its arrival stands in for it",
        None => "the message does not say when it was made; the time of its arrival stands in for it",
    };
    let place = Place::Element("Bundle.timestamp".to_string());
    notes.push(Problem::warning(Category::Value, place, text).unused(Kind::Time, "Bundle.timestamp"));
    now
}
