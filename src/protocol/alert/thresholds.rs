//! Which thresholds hold for a patient: the rule's, other ones for a group they belong to, or the patient's own
//! Goal.target (http://hl7.org/fhir/R4/goal.html), which replaces the rest.

use std::collections::BTreeSet;

use serde_json::Value;

use super::grade::Grade;
use super::interval::{Answer, Interval};
use super::readings::{Reading, in_unit};
use super::rule::{AlertRule, Bound, Bounds, Series, Side, Thresholds};
use super::units::{unit_words, with_unit};
use crate::fhir::codings_of;
use crate::protocol::context::Context;

/// The thresholds of each series for this patient, and in words where they come from.
pub fn thresholds_for(context: &Context<'_>, rule: &AlertRule) -> (Vec<Thresholds>, String) {
    let mut chosen: Vec<Thresholds> = rule.series.iter().map(|series| series.thresholds.clone()).collect();
    let mut words = "default thresholds".to_string();
    let other = rule.instead.iter().find(|(who, _, _)| context.facts.belongs(who, context.now()).0);
    if let Some((who, thresholds, _)) = other {
        words = format!("thresholds for people with {}", context.facts.belongs(who, context.now()).1);
        for own in thresholds {
            chosen.iter_mut().filter(|chosen| chosen.series == own.series).for_each(|chosen| *chosen = own.clone());
        }
    }
    for (series, chosen) in rule.series.iter().zip(&mut chosen) {
        for side in Side::BOTH {
            if let Some(target) = goal_bound(context, series, chosen, side) {
                apply_goal(chosen, target);
                words = format!("the patient's own target: {} {}", series.name, target.words(unit_words(&series.unit)));
            }
        }
    }
    (chosen, words)
}

/// The bound beyond which a patient's own target says a value is out of range, on a side that the rule watches.
fn goal_bound(context: &Context<'_>, series: &Series, thresholds: &Thresholds, side: Side) -> Option<Bound> {
    thresholds.outer(side)?;
    let mut values = targets_of(context, series).into_iter().filter_map(|target| target_value(series, side, target));
    values.next_back().map(|value| Bound { side, inclusive: false, value })
}

/// The targets that a patient's goals set for what a series measures; the goal set last stands, and comes last.
pub fn targets_of<'a>(context: &Context<'a>, series: &Series) -> Vec<&'a Value> {
    let facts = context.facts;
    let goals = facts.record.of_type("Goal").filter(|stored| {
        stored.state.superseded.is_none()
            && matches!(stored.resource.text("lifecycleStatus"), Some("accepted" | "active" | "planned"))
    });
    let is_of_series = |target: &&Value| {
        target.get("measure").is_some_and(|measure| facts.has_code(&series.codes, &codings_of(measure)))
    };
    let mut found: Vec<(&str, &Value)> = goals
        .flat_map(|stored| {
            let since = stored.resource.text("startDate").unwrap_or_default();
            let targets = stored.resource.get("target").and_then(Value::as_array).into_iter().flatten();
            targets.filter(is_of_series).map(move |target| (since, target))
        })
        .collect();
    found.sort_by(|left, right| left.0.cmp(right.0));
    found.into_iter().map(|(_, target)| target).collect()
}

/// A number without a comparator is a most: who writes a lowest value says so, by a range or by `>`.
fn target_value(series: &Series, side: Side, target: &Value) -> Option<f64> {
    let end = if side == Side::Above { "high" } else { "low" };
    let quantity = target.get("detailRange").and_then(|range| range.get(end)).or_else(|| {
        let quantity = target.get("detailQuantity")?;
        let comparator = quantity.get("comparator").and_then(Value::as_str).unwrap_or_default();
        (comparator.starts_with('>') == (side == Side::Below)).then_some(quantity)
    })?;
    let mut number = quantity.clone();
    number.as_object_mut()?.remove("comparator");
    in_unit(&number, series).ok()?.number()
}

/// The target replaces the warning; where it lies beyond the escalation, that moves with it. The distance by which a value
/// must come back stays what the rule gives, and the person's own baseline no longer matters on that side.
fn apply_goal(thresholds: &mut Thresholds, target: Bound) {
    let side = target.side;
    let outer = thresholds.outer(side);
    for bounds in [&mut thresholds.escalate, &mut thresholds.extreme] {
        let bound = bounds.on_mut(side);
        *bound = bound.map(|bound| if side.is_beyond(target.value, bound.value) { target } else { bound });
    }
    *thresholds.warn.on_mut(side) = Some(target);
    if let (Some(outer), Some(clear)) = (outer, thresholds.clear.on_mut(side.other())) {
        let margin = (outer.value - clear.value).abs();
        clear.value = if side == Side::Above { target.value - margin } else { target.value + margin };
    }
    thresholds.change = thresholds.change.filter(|change| change.side != side);
}

/// One reading against all bounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    pub warn: Answer,
    pub escalate: Answer,
    pub extreme: Answer,
    /// By series: whether it is back in range; none where it is not stated, or where nothing is asked of it.
    pub in_range: Vec<Option<Answer>>,
    stated: Vec<bool>,
    /// By series: whether it lies beyond the escalation.
    high: Vec<bool>,
}

impl Judged {
    /// The level that a reading reaches by itself.
    pub fn grade(&self) -> Option<Grade> {
        match (self.escalate, self.warn) {
            (Answer::Met, _) => Some(Grade::Escalate),
            (_, Answer::Met) => Some(Grade::Warn),
            _ => None,
        }
    }

    /// It may be farther out than it is known to be.
    pub fn is_uncertain(&self) -> bool {
        let answers = [self.escalate, self.warn];
        answers.iter().take_while(|answer| **answer != Answer::Met).any(|answer| *answer == Answer::Unknown)
    }

    /// It says of every series that was beyond the escalation in another reading that it is not.
    pub fn refutes(&self, other: &Self) -> bool {
        let states = other.high.iter().zip(&self.stated).all(|(high, stated)| *stated || !*high);
        states && self.escalate == Answer::NotMet
    }
}

pub fn judge(reading: &Reading, thresholds: &[Thresholds]) -> Judged {
    let each = |bounds: fn(&Thresholds) -> Bounds| {
        let of_series =
            move |(value, one): (&Option<Interval>, &Thresholds)| value.map(|value| any(value, bounds(one)));
        reading.values.iter().zip(thresholds).map(of_series)
    };
    let whole = |bounds: fn(&Thresholds) -> Bounds| worst(each(bounds).flatten());
    let in_range = reading.values.iter().zip(thresholds).map(|(value, one)| all((*value)?, one.clear));
    Judged {
        warn: whole(|one| one.warn),
        escalate: whole(|one| one.escalate),
        extreme: whole(|one| one.extreme),
        in_range: in_range.collect(),
        stated: reading.values.iter().map(Option::is_some).collect(),
        high: each(|one| one.escalate).map(|answer| answer == Some(Answer::Met)).collect(),
    }
}

/// Beyond one of the bounds.
fn any(value: Interval, bounds: Bounds) -> Answer {
    worst(bounds.each().map(|bound| value.asked(bound)))
}

fn worst(answers: impl Iterator<Item = Answer>) -> Answer {
    answers.fold(Answer::NotMet, |worst, answer| match (worst, answer) {
        (Answer::Met, _) | (_, Answer::Met) => Answer::Met,
        (Answer::Unknown, _) | (_, Answer::Unknown) => Answer::Unknown,
        _ => Answer::NotMet,
    })
}

/// Within all of the bounds; none where there are none.
fn all(value: Interval, bounds: Bounds) -> Option<Answer> {
    bounds.each().map(|bound| value.asked(bound)).reduce(|one, other| match (one, other) {
        (Answer::NotMet, _) | (_, Answer::NotMet) => Answer::NotMet,
        (Answer::Unknown, _) | (_, Answer::Unknown) => Answer::Unknown,
        _ => Answer::Met,
    })
}

/// The bounds that values broke, in words: `systolic above 140 mmHg, diastolic above 90 mmHg`.
pub fn broken(values: &[Option<Interval>], thresholds: &[Thresholds], rule: &AlertRule) -> Vec<String> {
    let mut words = Vec::new();
    for ((value, thresholds), series) in values.iter().zip(thresholds).zip(&rule.series) {
        // Nothing lost: what is not stated breaks no bound.
        let Some(value) = value else { continue };
        let mut bounds = thresholds.escalate.each().chain(thresholds.warn.each());
        if let Some(bound) = bounds.find(|bound| value.asked(*bound) == Answer::Met) {
            let bound = bound.words(unit_words(&series.unit));
            words.push(match series.derived {
                None => format!("{} {bound}", series.name),
                Some(_) => format!("{} {}: {bound}", series.name, with_unit(&value.words(), &series.unit)),
            });
        }
    }
    words
}

/// Values that were measured, and in words: `systolic 158 mmHg, diastolic 96 mmHg`.
pub fn values_in_words(values: &[Option<Interval>], rule: &AlertRule) -> String {
    let measured = values.iter().zip(&rule.series).filter(|(_, series)| series.derived.is_none());
    let named = measured.filter_map(|(value, series)| {
        value.map(|value| format!("{} {}", series.name, with_unit(&value.words(), &series.unit)))
    });
    named.collect::<Vec<_>>().join(", ")
}

/// Values as people say them to each other: `120/76 mmHg`. Values of several units are named.
pub fn values_in_short(values: &[Option<Interval>], rule: &AlertRule) -> String {
    let measured = || values.iter().zip(&rule.series).filter(|(_, series)| series.derived.is_none());
    let units: BTreeSet<&str> = measured().map(|(_, series)| unit_words(&series.unit)).collect();
    let mut units = units.into_iter();
    let (Some(unit), None) = (units.next(), units.next()) else { return values_in_words(values, rule) };
    let numbers: Vec<String> = measured().map(|(value, _)| value.map_or("?".to_string(), Interval::words)).collect();
    format!("{} {unit}", numbers.join("/")).trim_end().to_string()
}
