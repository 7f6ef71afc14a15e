//! Which thresholds hold for a patient: the rule's, other ones for a group they belong to, or the patient's own
//! Goal.target (http://hl7.org/fhir/R4/goal.html), which replaces the rest.

use serde_json::Value;

use super::episodes::Grade;
use super::evaluate::Context;
use super::model::{AlertRule, Bound, Series, Side, Thresholds};
use super::readings::{Reading, unit_words};

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
        if let Some(target) = goal_bound(context, series, chosen) {
            apply_goal(chosen, target);
            words = format!("the patient's own target: {} {}", series.name, target.words(unit_words(&series.unit)));
        }
    }
    (chosen, words)
}

/// The bound beyond which a patient's own target says a value is out of range.
fn goal_bound(context: &Context<'_>, series: &Series, thresholds: &Thresholds) -> Option<Bound> {
    let side = thresholds.warn.or(thresholds.escalate)?.side;
    let facts = context.facts;
    let goals = facts.record.of_type("Goal").filter(|stored| {
        stored.state.superseded.is_none()
            && matches!(stored.resource.text("lifecycleStatus"), Some("accepted" | "active" | "planned"))
    });
    // The goal set last stands.
    let mut found: Vec<(&str, f64)> = goals
        .flat_map(|stored| {
            let since = stored.resource.text("startDate").unwrap_or_default();
            let targets = stored.resource.get("target").and_then(Value::as_array).into_iter().flatten();
            targets.filter_map(move |target| Some((since, target_value(context, series, side, target)?)))
        })
        .collect();
    found.sort_by(|left, right| left.0.cmp(right.0));
    found.last().map(|(_, value)| Bound { side, inclusive: false, value: *value })
}

fn target_value(context: &Context<'_>, series: &Series, side: Side, target: &Value) -> Option<f64> {
    let codings = super::readings::codings_of(target.get("measure")?);
    context.facts.has_code(&series.codes, &codings).then_some(())?;
    let end = if side == Side::Above { "high" } else { "low" };
    let quantity = target.get("detailRange").and_then(|range| range.get(end)).or_else(|| {
        let quantity = target.get("detailQuantity")?;
        let comparator = quantity.get("comparator").and_then(Value::as_str).unwrap_or_default();
        let fits = match side {
            Side::Above => !comparator.starts_with('>'),
            Side::Below => !comparator.starts_with('<'),
        };
        fits.then_some(quantity)
    })?;
    super::readings::in_unit(quantity, series).ok()
}

/// The target replaces the warning; where it lies beyond the escalation, that moves with it. The distance by which a value
/// must come back stays what the rule gives.
fn apply_goal(thresholds: &mut Thresholds, target: Bound) {
    let outer = thresholds.warn.or(thresholds.escalate);
    let margin = outer.map_or(0.0, |outer| (outer.value - thresholds.clear.value).abs());
    let beyond = |bound: Bound| match target.side {
        Side::Above => bound.value < target.value,
        Side::Below => bound.value > target.value,
    };
    thresholds.warn = Some(target);
    thresholds.escalate = thresholds.escalate.map(|bound| if beyond(bound) { target } else { bound });
    thresholds.clear.value = if target.side == Side::Above { target.value - margin } else { target.value + margin };
}

/// How far out of range a reading is.
pub fn grade(reading: &Reading, thresholds: &[Thresholds]) -> Option<Grade> {
    let met = |bound: Option<Bound>, value: f64| bound.is_some_and(|bound| bound.is_met_by(value));
    let grades = reading.values.iter().zip(thresholds).filter_map(|(value, thresholds)| {
        let value = (*value)?;
        if met(thresholds.escalate, value) {
            Some(Grade::Escalate)
        } else {
            met(thresholds.warn, value).then_some(Grade::Warn)
        }
    });
    grades.max()
}

/// Whether every value a reading has is back in range.
pub fn is_clear(reading: &Reading, thresholds: &[Thresholds]) -> bool {
    let mut values = reading.values.iter().zip(thresholds);
    values.all(|(value, thresholds)| value.is_none_or(|value| thresholds.clear.is_met_by(value)))
}

/// The bounds a reading broke, in words: `systolic above 140, diastolic above 90`.
pub fn broken(reading: &Reading, thresholds: &[Thresholds], rule: &AlertRule) -> String {
    let mut words = Vec::new();
    for ((value, thresholds), series) in reading.values.iter().zip(thresholds).zip(&rule.series) {
        let Some(value) = value else { continue };
        let bounds = [thresholds.escalate, thresholds.warn].into_iter().flatten();
        if let Some(bound) = bounds.into_iter().find(|bound| bound.is_met_by(*value)) {
            words.push(format!("{} {}", series.name, bound.words(unit_words(&series.unit))));
        }
    }
    words.join(", ")
}

/// The values of a reading in words: `systolic 158 mmHg, diastolic 96 mmHg`.
pub fn values_in_words(reading: &Reading, rule: &AlertRule) -> String {
    let named = reading.values.iter().zip(&rule.series).filter_map(|(value, series)| {
        value.map(|value| format!("{} {value} {}", series.name, unit_words(&series.unit)))
    });
    named.collect::<Vec<_>>().join(", ")
}
