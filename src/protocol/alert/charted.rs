//! Readings as a page draws them: what the rules in force that concern this patient watch, with the bounds and the patient's own
//! targets (http://hl7.org/fhir/R4/goal.html) that hold now. Judges nothing; what is not drawn is counted with its reason.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::gathered::Gathered;
use super::interval::Interval;
use super::readings::{Fault, Reading, in_unit};
use super::rule::{Against, AlertRule, Bounds, Level, Series, Side};
use super::thresholds::{targets_of, thresholds_for, values_in_short};
use super::units::{unit_words, with_unit};
use crate::identity::ResourceId;
use crate::protocol::codes::Codes;
use crate::protocol::context::Context;
use crate::protocol::deadline::Deadline;

/// One thing that is measured, or two of which one is always above the other, as pressures are: the upper first.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    pub name: String,
    pub parts: Vec<ChartPart>,
    /// Oldest first.
    pub readings: Vec<Charted>,
    /// Readings that are not drawn: how many, and why.
    pub left_out: Vec<(usize, String)>,
    /// Whether a rule in force watches it.
    pub is_watched: bool,
}

/// One series of a chart.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChartPart {
    pub name: String,
    /// UCUM, and as people write it.
    pub unit: String,
    pub unit_words: String,
    pub warn: Bounds,
    pub escalate: Bounds,
    /// Beyond which it is answered within a day: of each side the first of the two.
    pub today: Bounds,
    pub target: Option<Target>,
    /// Bounds that are no value but a change.
    pub changes: Vec<ChartChange>,
    pub codes: Codes,
}

/// A bound that is a change.
#[derive(Debug, Clone, PartialEq)]
pub struct ChartChange {
    /// `up by 2 lb or above within 1 d: warns`.
    pub words: String,
    pub side: Side,
    /// How much, within how many days; none where it is no rise or fall, or none of days.
    pub by: Option<f64>,
    pub days: Option<u32>,
    /// It is answered within a day.
    pub is_today: bool,
}

/// What a patient is to reach: at most, at least, or both.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Target {
    pub low: Option<f64>,
    pub high: Option<f64>,
}

/// One reading.
#[derive(Debug, Clone, PartialEq)]
pub struct Charted {
    pub at: Timestamp,
    /// By part; of a value that is only known to be above or below a number, that number.
    pub values: Vec<Option<f64>>,
    /// `134/80 mmHg`, `>250 mg/dL`.
    pub shown: String,
    pub ids: Vec<ResourceId>,
}

impl Chart {
    /// Nothing was measured, or nothing of it can be drawn or counted.
    pub fn is_empty(&self) -> bool {
        self.readings.is_empty() && self.left_out.is_empty()
    }
}

/// A chart in the making: which rule's readings it draws, and which series of that.
struct Planned<'a> {
    rule: &'a AlertRule,
    places: Vec<usize>,
    parts: Vec<ChartPart>,
}

/// What the rules of one protocol watch in this patient.
pub fn charts(context: &Context<'_>, rules: &[&AlertRule]) -> Vec<Chart> {
    let mut wanted: Vec<(&AlertRule, Vec<usize>)> =
        rules.iter().flat_map(|rule| groups(rule).into_iter().map(|places| (*rule, places))).collect();
    wanted.sort_by_key(|(_, places)| std::cmp::Reverse(places.len()));
    let mut planned: Vec<Planned<'_>> = Vec::new();
    for (rule, places) in wanted {
        let parts = parts(context, rule, &places);
        let is_same = |known: &&mut Planned<'_>| {
            known.parts.iter().any(|one| parts.iter().any(|other| one.codes == other.codes && one.unit == other.unit))
        };
        match planned.iter_mut().find(is_same) {
            Some(known) => known.parts.iter_mut().for_each(|one| join(one, &parts)),
            None => planned.push(Planned { rule, places, parts }),
        }
    }
    planned.into_iter().map(|planned| drawn(context, planned)).collect()
}

/// The measured series of a rule, those together of which one is always above the other.
fn groups(rule: &AlertRule) -> Vec<Vec<usize>> {
    let measured = || rule.series.iter().enumerate().filter(|(_, series)| series.derived.is_none());
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (place, series) in measured() {
        if let Some(below) = series.plausible.above {
            groups.push(vec![place, below]);
        }
    }
    let paired: Vec<usize> = groups.iter().flatten().copied().collect();
    groups.extend(measured().filter(|(place, _)| !paired.contains(place)).map(|(place, _)| vec![place]));
    groups
}

fn parts(context: &Context<'_>, rule: &AlertRule, places: &[usize]) -> Vec<ChartPart> {
    let (thresholds, _) = thresholds_for(context, rule);
    let part = |place: &usize| {
        let (series, own) = (rule.series.get(*place)?, thresholds.get(*place)?);
        let mut changes = changes(rule, *place);
        if let Some(change) = own.change {
            let side = if change.side == Side::Above { "above" } else { "below" };
            let by = with_unit(&change.by.to_string(), &series.unit);
            let words = format!("{by} {side} the person's own level: warns");
            changes.push(ChartChange { words, side: change.side, by: None, days: None, is_today: false });
        }
        Some(ChartPart {
            name: series.name.clone(),
            unit: series.unit.clone(),
            unit_words: unit_words(&series.unit).to_string(),
            warn: own.warn,
            escalate: own.escalate,
            today: today(rule, own.warn, own.escalate),
            target: target(context, series),
            changes,
            codes: series.codes.clone(),
        })
    };
    places.iter().filter_map(part).collect()
}

fn is_within_a_day(level: &Level) -> bool {
    matches!(level.respond, Deadline::Minutes(minutes) if minutes <= 24 * 60) || level.respond == Deadline::Days(1)
}

fn today(rule: &AlertRule, warn: Bounds, escalate: Bounds) -> Bounds {
    let mut today = Bounds::default();
    for side in Side::BOTH {
        let warn = warn.on(side).filter(|_| is_within_a_day(&rule.warn));
        *today.on_mut(side) = warn.or(escalate.on(side).filter(|_| is_within_a_day(&rule.escalate)));
    }
    today
}

/// What is reckoned from a series.
fn changes(rule: &AlertRule, of: usize) -> Vec<ChartChange> {
    let derived = rule.series.iter().filter_map(|one| Some((one, one.derived.filter(|derived| derived.of == of)?)));
    let mut changes = Vec::new();
    for (series, derived) in derived {
        let (what, side, per) = match derived.against {
            Against::Lowest => ("up by", Side::Above, String::new()),
            Against::Highest => ("down by", Side::Below, String::new()),
            Against::Best => ("of the best", Side::Below, String::new()),
            Against::Trend(steepness) => ("trend", Side::Above, format!(" in {}", steepness.per)),
        };
        let is_step = matches!(derived.against, Against::Lowest | Against::Highest);
        let (warn, escalate) = (&series.thresholds.warn, &series.thresholds.escalate);
        for (bounds, level, does) in [(warn, &rule.warn, "warns"), (escalate, &rule.escalate, "escalates")] {
            for bound in bounds.each() {
                let amount = bound.words(unit_words(&series.unit));
                let days = if let Deadline::Days(days) = derived.within { Some(days) } else { None };
                changes.push(ChartChange {
                    words: format!("{what} {amount}{per} within {}: {does}", derived.within),
                    side: if is_step { side } else { bound.side },
                    by: is_step.then_some(bound.value.abs()),
                    days,
                    is_today: is_within_a_day(level),
                });
            }
        }
    }
    changes
}

/// Where several rules watch one thing, what is reached first counts.
fn join(part: &mut ChartPart, others: &[ChartPart]) {
    for other in others.iter().filter(|other| other.codes == part.codes && other.unit == part.unit) {
        for side in Side::BOTH {
            let own = [&mut part.warn, &mut part.escalate, &mut part.today];
            for (own, theirs) in own.into_iter().zip([&other.warn, &other.escalate, &other.today]) {
                let first = match (own.on(side), theirs.on(side)) {
                    (Some(one), Some(two)) => Some(if side.is_beyond(one.value, two.value) { two } else { one }),
                    (one, two) => one.or(two),
                };
                *own.on_mut(side) = first;
            }
        }
        part.target = part.target.or(other.target);
        let new = other.changes.iter().filter(|change| !part.changes.contains(change)).cloned().collect::<Vec<_>>();
        part.changes.extend(new);
    }
}

/// The patient's own target: that of the Goal set last.
fn target(context: &Context<'_>, series: &Series) -> Option<Target> {
    let mut found: Option<Target> = None;
    for stated in targets_of(context, series) {
        let number = |quantity: &Value| {
            let mut bare = quantity.clone();
            bare.as_object_mut()?.remove("comparator");
            // Nothing lost: a target in a unit that is none of this is of something else, and stands with its goal.
            in_unit(&bare, series).ok()?.number()
        };
        let range = |end: &str| stated.get("detailRange").and_then(|range| number(range.get(end)?));
        let quantity = stated.get("detailQuantity").and_then(number);
        let is_least = stated
            .pointer("/detailQuantity/comparator")
            .and_then(Value::as_str)
            .is_some_and(|word| word.starts_with('>'));
        let (least, most) = if is_least { (quantity, None) } else { (None, quantity) };
        let one = Target { low: range("low").or(least), high: range("high").or(most) };
        if one != Target::default() {
            let before = found.unwrap_or_default();
            found = Some(Target { low: one.low.or(before.low), high: one.high.or(before.high) });
        }
    }
    found
}

fn drawn(context: &Context<'_>, Planned { rule, places, parts }: Planned<'_>) -> Chart {
    let gathered = Gathered::of(context.facts, rule);
    let left_out = left_out(&gathered, rule, &places);
    let readings = gathered.readings.iter().filter_map(|reading| charted(reading, rule, &places)).collect();
    Chart { name: name(context, &parts), parts, readings, left_out, is_watched: true }
}

fn charted(reading: &Reading, rule: &AlertRule, places: &[usize]) -> Option<Charted> {
    let of = |place: &usize| reading.values.get(*place).copied().flatten();
    let values: Vec<Option<Interval>> = places.iter().map(of).collect();
    values.iter().any(Option::is_some).then_some(())?;
    let only = |place: usize| if places.contains(&place) { of(&place) } else { None };
    let shown: Vec<Option<Interval>> = (0..rule.series.len()).map(only).collect();
    let shown = match places {
        [place] => with_unit(&of(place)?.words(), &rule.series.get(*place)?.unit),
        _ => values_in_short(&shown, rule),
    };
    let point = |value: Interval| if value.low.is_finite() { value.low } else { value.high };
    Some(Charted {
        at: reading.at,
        values: values.into_iter().map(|value| value.map(point)).collect(),
        shown,
        ids: reading.ids.clone(),
    })
}

fn left_out(gathered: &Gathered, rule: &AlertRule, places: &[usize]) -> Vec<(usize, String)> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut add = |why: String| *counts.entry(why).or_default() += 1;
    let is_own =
        |values: &[Option<Interval>]| places.iter().any(|place| values.get(*place).is_some_and(Option::is_some));
    gathered
        .implausible
        .iter()
        .filter(|one| is_own(&one.reading.values))
        .for_each(|one| add(format!("cannot be right: {}", one.why)));
    gathered.early.iter().filter(|one| is_own(&one.values)).for_each(|_| add("dated ahead of the clock".to_string()));
    for elsewhere in &gathered.elsewhere {
        add(format!("taken {}", elsewhere.place));
    }
    for unusable in gathered.unusable.iter().filter(|one| places.contains(&one.series)) {
        let unit = rule.series.get(unusable.series).map(|series| series.unit.as_str()).unwrap_or_default();
        add(match &unusable.fault {
            Fault::NoNumber(_) => "without a number".to_string(),
            Fault::NoUnit => "without a unit".to_string(),
            Fault::Unit(stated) => format!("in {stated}, which is no {}", unit_words(unit)),
            Fault::Comparator => "with a sign that nobody knows".to_string(),
            Fault::NoTime => "without a time".to_string(),
        });
    }
    counts.into_iter().map(|(why, count)| (count, why)).collect()
}

/// Of one series its name; of two what the titles of their value sets end in alike: systolic and diastolic blood pressure.
fn name(context: &Context<'_>, parts: &[ChartPart]) -> String {
    let title = |part: &ChartPart| {
        let set = part.codes.value_sets.first()?;
        Some(context.facts.value_sets.get(set)?.title.clone())
    };
    let names = || parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>().join(" / ");
    let [one, two] = parts else { return names() };
    let (Some(one), Some(two)) = (title(one), title(two)) else { return names() };
    let pairs = one.split_whitespace().rev().zip(two.split_whitespace().rev());
    let mut common: Vec<&str> =
        pairs.take_while(|(one, two)| one.eq_ignore_ascii_case(two)).map(|(one, _)| one).collect();
    common.reverse();
    if common.is_empty() { names() } else { common.join(" ") }
}
