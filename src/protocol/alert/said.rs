//! What a rule says of readings that it does not judge, or not as they were stated: in words for those who may see the record,
//! and as problems, which never hold patient data. A problem is said when the reading comes, and not each time it is looked at.

use std::collections::BTreeMap;

use super::confirmation::Standing;
use super::gathered::{Gathered, Implausible};
use super::readings::{Fault, Reading};
use super::rule::Thresholds;
use super::rule::{AlertRule, PLACES, Series};
use super::thresholds::{judge, values_in_words};
use crate::identity::ResourceId;
use crate::problem::{Category, Place, Problem};
use crate::protocol::context::{Context, Findings};
use crate::unused::{Duty, Kind};

/// The name of a rule among all: `blood-pressure/high`.
fn name_of(context: &Context<'_>, rule: &AlertRule) -> String {
    format!("{}/{}", context.protocol.name, rule.id)
}

fn value_place() -> Place {
    Place::Element("Observation.value[x]".to_string())
}

fn time_place() -> Place {
    Place::Element("Observation.effective[x]".to_string())
}

fn is_new(context: &Context<'_>, id: ResourceId) -> bool {
    context.facts.record.get("Observation", id).is_some_and(|stored| context.is_news(stored))
}

pub fn is_news(context: &Context<'_>, reading: &Reading) -> bool {
    reading.ids.iter().any(|id| is_new(context, *id))
}

/// What could not be used, what was taken elsewhere, and what is ahead of the clock.
pub fn left_out(context: &Context<'_>, rule: &AlertRule, gathered: &Gathered, findings: &mut Findings) {
    for unusable in &gathered.unusable {
        // Nothing lost: its place was taken from the rule.
        let Some(series) = rule.series.get(unusable.series) else { continue };
        let (words, problem) = unusable_words(context, series, unusable.id, &unusable.fault);
        findings.explain(context, (&rule.id, &rule.mark), Some(unusable.id), false, words);
        if is_new(context, unusable.id) {
            findings.say(problem);
        }
    }
    for implausible in &gathered.implausible {
        say_implausible(context, rule, implausible, findings);
    }
    // A ward sends hundreds: they are counted.
    let mut by_place: BTreeMap<&str, Vec<ResourceId>> = BTreeMap::new();
    for elsewhere in &gathered.elsewhere {
        by_place.entry(elsewhere.place).or_default().push(elsewhere.id);
    }
    for (place, ids) in by_place {
        let counts = rule.taken.iter().filter_map(|taken| PLACES.iter().find(|(code, _)| code == taken));
        let counts: Vec<&str> = counts.map(|(_, words)| *words).collect();
        let many = if ids.len() == 1 { "A reading was".to_string() } else { format!("{} readings were", ids.len()) };
        let words =
            format!("{many} left aside, taken {place}: “{}” goes by readings taken {}.", rule.title, counts.join(", "));
        findings.explain(context, (&rule.id, &rule.mark), ids.last().copied(), false, words);
    }
    for early in &gathered.early {
        say_early(context, rule, early, findings);
    }
}

fn say_early(context: &Context<'_>, rule: &AlertRule, early: &Reading, findings: &mut Findings) {
    let words = format!("A reading was left out until its time comes: {}.", context.facts.say(early.at));
    findings.explain(context, (&rule.id, &rule.mark), early.ids.first().copied(), false, words);
    if is_news(context, early) {
        let text = format!(
            "A reading is dated ahead of the clock; {} waits until then. Check the sender's clock and time zone.",
            context.protocol.name
        );
        let problem = Problem::warning(Category::Value, time_place(), text);
        findings.say(problem.unused(Kind::Time, "reading ahead of the clock").owed_by(Duty::Feed));
    }
}

fn say_implausible(context: &Context<'_>, rule: &AlertRule, implausible: &Implausible, findings: &mut Findings) {
    let reading = &implausible.reading;
    let words = format!(
        "A reading was left out: {} of {} cannot be right, {}.",
        values_in_words(&reading.values, rule),
        context.facts.say(reading.at),
        implausible.why
    );
    findings.explain(context, (&rule.id, &rule.mark), reading.ids.first().copied(), false, words);
    if is_news(context, reading) {
        let text = format!("A reading cannot be right: {}. Somebody has work to repeat it.", implausible.why);
        let about = reading.ids.first().and_then(|id| code_of(context, *id)).unwrap_or_default();
        findings.say(Problem::warning(Category::Value, value_place(), text).unused(Kind::Reading, &about));
    }
}

fn unusable_words(context: &Context<'_>, series: &Series, id: ResourceId, fault: &Fault) -> (String, Problem) {
    let (name, unit) = (&series.name, &series.unit);
    let code = code_of(context, id).unwrap_or_default();
    let (why, what, about) = match fault {
        Fault::NoNumber(element) => {
            (format!("the {name} has no number"), format!("its value is a {element}, not a number"), code.clone())
        }
        Fault::NoUnit => (
            format!("the {name} has no unit"),
            format!("it has no unit; state one that is convertible to {unit}"),
            code.clone(),
        ),
        Fault::Unit(stated) => (
            format!("the {name}'s unit {stated} cannot be converted to {unit}"),
            format!("its unit cannot be converted to {unit}; give the unit a row in a table of units"),
            format!("{code} {stated}"),
        ),
        Fault::Comparator => {
            (format!("the {name} has an unknown comparator"), "its comparator is unknown".to_string(), code.clone())
        }
        Fault::NoTime => (format!("the {name} has no time"), "it has no time".to_string(), code.clone()),
    };
    let text = format!("{} cannot use a reading of {code}: {what}.", context.protocol.name);
    let problem = Problem::warning(Category::Value, value_place(), text);
    (format!("A reading was left out: {why}."), problem.unused(Kind::Reading, about.trim()).owed_by(Duty::Feed))
}

/// A repeat that did not confirm a reading, and readings of which it cannot be told how far out they are.
pub fn judged(
    context: &Context<'_>,
    rule: &AlertRule,
    readings: &[Reading],
    (standings, thresholds): (&[Standing], &[Thresholds]),
    findings: &mut Findings,
) {
    for (reading, standing) in readings.iter().zip(standings) {
        if let Standing::Refuted(repeat) = standing
            && let Some(repeat) = readings.get(*repeat)
        {
            let words = format!(
                "A reading was left aside: {} of {} was repeated {}, and {} does not confirm it.",
                values_in_words(&reading.values, rule),
                context.facts.say(reading.at),
                context.facts.say(repeat.at),
                values_in_words(&repeat.values, rule)
            );
            findings.explain(context, (&rule.id, &rule.mark), reading.ids.first().copied(), false, words);
        }
        let is_exact = reading.values.iter().flatten().all(|value| value.number().is_some());
        if !is_exact && judge(reading, thresholds).is_uncertain() {
            say_uncertain(context, rule, reading, findings);
        }
    }
}

fn say_uncertain(context: &Context<'_>, rule: &AlertRule, reading: &Reading, findings: &mut Findings) {
    let words = format!(
        "Whether {} of {} is out of range cannot be told.",
        values_in_words(&reading.values, rule),
        context.facts.say(reading.at)
    );
    findings.explain(context, (&rule.id, &rule.mark), reading.ids.first().copied(), false, words);
    if is_news(context, reading) {
        let name = name_of(context, rule);
        let text = format!(
            "{name} cannot tell whether a reading is out of range: its comparator leaves open what the bounds ask. Look at it."
        );
        let problem = Problem::warning(Category::Value, value_place(), text);
        findings.say(problem.unused(Kind::Rule, &name).owed_by(Duty::Practice));
    }
}

/// A reading out of range that came too late to raise anything.
pub fn old(context: &Context<'_>, rule: &AlertRule, findings: &mut Findings) {
    let name = name_of(context, rule);
    let text = format!(
        "A reading out of range came more than {} after it was taken, too late for {name}: nobody was told of it.",
        rule.max_age
    );
    let problem = Problem::warning(Category::BusinessRule, time_place(), text);
    findings.say(problem.unused(Kind::Time, &format!("{name} max-age {}", rule.max_age)).owed_by(Duty::Feed));
}

/// The code of an Observation as senders write it: `LN 59408-5`.
fn code_of(context: &Context<'_>, id: ResourceId) -> Option<String> {
    let stored = context.facts.record.get("Observation", id)?;
    let (system, code) = *stored.resource.codings("code").first()?;
    let name = match system {
        "http://loinc.org" => "LN",
        "http://snomed.info/sct" => "SCT",
        other => crate::fhir::code_system(other).map_or("L", |system| system.name),
    };
    Some(format!("{name} {code}"))
}
