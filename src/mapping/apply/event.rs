//! When what happened, and which patients become one (HL7 v2.5.1, 3.4.1 and 3.3.40).

use jiff::Timestamp;
use serde_json::Map;

use crate::fhir::Identifier;
use crate::hl7::DateTime;
use crate::mapping::language::{MergeRule, SourcePath};
use crate::mapping::{Event, Merge};
use crate::problem::{Category, FieldPlace, Place, Problem};

use super::run::{Frame, Run};
use super::time;

/// Reads the event from MSH and EVN.
pub fn read(run: &mut Run<'_>) -> Event {
    let header = run.message.header();
    let (code, trigger) = (header.message_code().into_owned(), header.trigger_event().into_owned());
    let written = time(run, "MSH", 7);
    let entered = time(run, "EVN", 2);
    let happened = time(run, "EVN", 6);
    let recorded = written.or(entered);
    if recorded.is_none() {
        let place = FieldPlace::field("MSH", 1, 7);
        let text = "no time says when this happened; the time of its arrival stands in for it";
        run.report(time::unread(&place, text.to_string()));
    }
    Event {
        code,
        trigger,
        occurred: happened.or(entered).or(written).unwrap_or(run.context.received),
        recorded: recorded.unwrap_or(run.context.received),
    }
}

fn time(run: &mut Run<'_>, segment: &str, field: u16) -> Option<Timestamp> {
    let value = run.message.segment(segment)?.field(field).leaf();
    if value.is_empty() || value.is_null() {
        return None;
    }
    run.read.mark(value.span());
    match DateTime::parse(&value.text()) {
        Ok(read) => {
            run.say_how(value, &read, true);
            Some(read.to_timestamp(&run.clock))
        }
        Err(fault) => {
            run.report(time::unread(&value.place(), format!("this {fault}; another time stands in for it")));
            None
        }
    }
}

/// The merges a message asks for: one for each group that names prior identifiers.
pub fn merges<'a>(run: &mut Run<'a>, rule: &'a MergeRule) -> Vec<Merge> {
    let mut merges = Vec::new();
    let Some(prior_segment) = rule.prior.segment().and_then(|name| SourcePath::parse(name, None).ok()) else {
        return merges;
    };
    let segments = run.structure.everywhere(&prior_segment);
    for segment in &segments {
        let frame = Frame { segment: *segment, this: None };
        let prior = identifiers(run, &rule.prior, rule.map, frame);
        let surviving = identifiers(run, &rule.surviving, rule.map, frame);
        if prior.is_empty() || surviving.is_empty() {
            let (path, which) = if prior.is_empty() { (&rule.prior, "prior") } else { (&rule.surviving, "surviving") };
            let occurrence = run.message.segment_at(*segment).map_or(1, |segment| segment.occurrence());
            let place = FieldPlace::field(path.segment().unwrap_or_default(), occurrence, path.field);
            let text = format!("a merge needs a {which} patient identifier whose assigning authority the feed knows");
            run.problems.push(Problem::error(Category::Required, Place::Field(place), text));
            continue;
        }
        merges.push(Merge { surviving, prior });
    }
    if segments.is_empty() {
        let place = FieldPlace::segment(rule.prior.segment().unwrap_or_default(), 1);
        let text = "this event merges patients and needs this segment with the prior identifiers";
        run.problems.push(Problem::error(Category::Required, Place::Field(place), text));
    }
    merges
}

fn identifiers<'a>(run: &mut Run<'a>, path: &SourcePath, map: usize, frame: Frame<'a>) -> Vec<Identifier> {
    // Nothing lost: a compiled set has every map that it names.
    let Some(map) = run.set.map(map) else { return Vec::new() };
    let mut found = Vec::new();
    for inner in run.frames(path, frame) {
        let mut object = Map::new();
        // A merge is an element of no draft: what it read is noted for the patient that survives.
        run.local = "Patient".into();
        run.steps = vec![("link", None)];
        run.fill(&map.template, inner, &mut object);
        run.steps.clear();
        found.extend(Identifier::from_json(&serde_json::Value::Object(object)));
    }
    found
}
