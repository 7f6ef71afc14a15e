//! `series:` of an alert: what is measured, what is plausible, and the bounds on either side.

use super::relative::{Key, Relative, derived_series, read_relative};
use super::words::{Reading, read_count};
use crate::fhir::code_system;
use crate::protocol::alert::{Bound, Bounds, Change, Plausible, Series, Side, Thresholds};
use crate::protocol::who::Who;
use crate::yaml::{Fields, Mark, Node, nearest};

/// Substances whose amount (mmol/L) senders state as well as their mass (mg/dL), in grams per mole.
const MOLAR_MASSES: [(&str, f64); 4] =
    [("glucose", 180.156), ("cholesterol", 386.65), ("creatinine", 113.12), ("urea", 60.056)];

/// A series, and after it those that are reckoned from it.
pub fn read_series(node: &Node, all: &mut Vec<Series>, reading: &mut Reading<'_>) {
    let Some((series, relatives)) = read_measured(node, reading) else { return };
    let reckoned = derived_series((all.len(), &series), &relatives, node, reading);
    all.push(series);
    all.extend(reckoned);
}

fn read_measured(node: &Node, reading: &mut Reading<'_>) -> Option<(Series, Vec<(Key, Relative)>)> {
    let mut fields = Fields::of(node, "a series of values");
    let name = fields.required_text("name");
    let codes = fields.required("code").map(|node| reading.codes(node));
    let unit = fields.required_text("unit");
    if let (Some(unit), Some(node)) = (&unit, fields.node().get("unit"))
        && octofhir_ucum::validate(unit).is_err()
    {
        fields.report(node.problem(format!("`{unit}` is not a UCUM unit; pressures are mm[Hg], shares %")));
    }
    let molar_mass = fields.choice("substance", &MOLAR_MASSES);
    let plausible = fields.required("plausible").map(|node| {
        let mut bounds = Fields::of(node, "plausible values");
        let from = bounds.required("from").and_then(|node| reading.number(node));
        let to = bounds.required("to").and_then(|node| reading.number(node));
        bounds.optional("above");
        bounds.finish(&mut reading.problems);
        Plausible { from: from.unwrap_or(f64::MIN), to: to.unwrap_or(f64::MAX), above: None }
    });
    let answers = fields.optional("answers").map(|node| read_answers(node, reading)).unwrap_or_default();
    let name = name?;
    let (thresholds, relatives) = threshold_keys(&name, &mut fields, reading);
    fields.finish(&mut reading.problems);
    let series = Series {
        name,
        codes: codes?,
        unit: unit?,
        molar_mass,
        plausible: plausible?,
        thresholds,
        answers,
        derived: None,
    };
    Some((series, relatives))
}

/// `{ loinc LA6568-5: 0, loinc LA6569-3: 1 }`: what a coded answer counts for.
fn read_answers(node: &Node, reading: &mut Reading<'_>) -> Vec<((String, String), f64)> {
    let Some(entries) = node.as_map() else {
        reading.problems.push(node.problem("coded answers are written as `loinc LA6569-3: 1` lines"));
        return Vec::new();
    };
    let mut answers = Vec::new();
    for (key, value) in entries {
        let text = key.as_text().unwrap_or_default();
        let coded = text.split_once(' ').and_then(|(system, code)| Some((code_system(system)?, code.trim())));
        let Some((system, code)) = coded else {
            reading.problems.push(key.problem("a code is written with its system in front: loinc LA6569-3"));
            continue;
        };
        let number = reading.number(value);
        answers.extend(number.map(|number| ((system.url.to_string(), code.to_string()), number)));
    }
    answers
}

/// `plausible: { above: diastolic }` names another series of the same alert.
pub fn refer(series: &mut [Series], nodes: &[&Node], reading: &mut Reading<'_>) {
    for node in nodes {
        let text = |node: &Node, key: &str| node.get(key).and_then(Node::as_text);
        let Some(other) = node.get("plausible").and_then(|bounds| bounds.get("above")) else { continue };
        let named = other.as_text().unwrap_or_default();
        let own = text(node, "name");
        let names: Vec<&str> = series.iter().map(|one| one.name.as_str()).collect();
        let place = names.iter().position(|name| *name == named && Some(named.as_str()) != own.as_deref());
        if place.is_none() {
            let hint = nearest(&named, names).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            reading.problems.push(other.problem(format!("this alert has no other series `{named}`{hint}")));
        }
        if let Some(one) = series.iter_mut().find(|one| Some(&one.name) == own.as_ref()) {
            one.plausible.above = place;
        }
    }
}

fn threshold_keys(
    series: &str,
    fields: &mut Fields<'_>,
    reading: &mut Reading<'_>,
) -> (Thresholds, Vec<(Key, Relative)>) {
    let mut thresholds = Thresholds { series: series.to_string(), ..Thresholds::default() };
    let mut relatives = Vec::new();
    for (word, key) in Key::ALL {
        if let Some(node) = fields.optional(word) {
            let (bounds, reckoned) = read_bounds(node, key, reading);
            *key.of(&mut thresholds) = bounds;
            relatives.extend(reckoned.into_iter().map(|one| (key, one)));
        }
    }
    thresholds.change = fields.optional("change").and_then(|node| read_change(node, reading));
    for side in Side::BOTH {
        check_side(&thresholds, side, fields);
    }
    (thresholds, relatives)
}

/// From the middle outwards: clear, warn, escalate, extreme.
fn check_side(thresholds: &Thresholds, side: Side, fields: &mut Fields<'_>) {
    let node = fields.node();
    let outward = [thresholds.warn, thresholds.escalate, thresholds.extreme].map(|bounds| bounds.on(side));
    let outward: Vec<Bound> = outward.into_iter().flatten().collect();
    let is_inward = |pair: &[Bound]| match pair {
        [inner, outer] => side.is_beyond(inner.value, outer.value),
        _ => false,
    };
    if outward.windows(2).any(is_inward) {
        fields.report(node.problem("`escalate` lies beyond `warn`, and `extreme` beyond `escalate`"));
    }
    let change = thresholds.change.filter(|change| change.side == side);
    match (thresholds.clear.on(side.other()), outward.first()) {
        (Some(clear), Some(first)) if side.is_beyond(clear.value, first.value) => fields.report(node.problem(
            "`clear` lies on the inner side of `warn` and `escalate`: warn above 140, clear at 135 or below",
        )),
        (None, Some(_)) => fields.report(node.problem(
            "`clear` says on each side that is watched when a value is back in range: warn above 140, clear at 135 or below",
        )),
        (None, None) if change.is_some() => {
            fields.report(node.problem("a `change` is ended by `clear`: say from which value on it is over"));
        }
        _ => {}
    }
}

/// `{ above: 140 }`, `{ at-least: 180 }`, `{ below: 88 }`, `{ at-most: 135 }`, or one for each side.
fn read_bounds(node: &Node, key: Key, reading: &mut Reading<'_>) -> (Bounds, Vec<Relative>) {
    let mut fields = Fields::of(node, "a bound");
    let sides = [
        (fields.optional("above"), Side::Above, false),
        (fields.optional("at-least"), Side::Above, true),
        (fields.optional("below"), Side::Below, false),
        (fields.optional("at-most"), Side::Below, true),
    ];
    let given: Vec<_> =
        sides.into_iter().filter_map(|(node, side, inclusive)| Some((node?, side, inclusive))).collect();
    let relatives = read_relative(&mut fields, key, reading);
    let mut bounds = Bounds::default();
    for (node, side, inclusive) in &given {
        let value = reading.number(node);
        *bounds.on_mut(*side) = value.map(|value| Bound { side: *side, inclusive: *inclusive, value });
    }
    let twice = |side: Side| given.iter().filter(|(_, own, _)| *own == side).count() > 1;
    let is_empty = given.is_empty() && relatives.is_empty();
    if (is_empty || Side::BOTH.into_iter().any(twice)) && node.as_map().is_some() {
        fields
            .report(node.problem("bounds are one of above and at-least, or one of below and at-most, or one of each"));
    }
    fields.finish(&mut reading.problems);
    (bounds, relatives)
}

/// `{ below-baseline: 3, over: 30 d, at-least: 10, readings: 2 of 3 }`.
fn read_change(node: &Node, reading: &mut Reading<'_>) -> Option<Change> {
    let mut fields = Fields::of(node, "a change");
    let below = fields.optional("below-baseline").map(|node| (Side::Below, node));
    let above = fields.optional("above-baseline").map(|node| (Side::Above, node));
    if below.is_some() == above.is_some() {
        fields.report(node.problem("a change is `below-baseline` or `above-baseline`, by how much"));
    }
    let over = fields.required("over").and_then(|node| reading.deadline(node));
    fields.required("at-least");
    let at_least = fields.integer("at-least", 1..=1000).and_then(|count| usize::try_from(count).ok());
    let (count, of) = fields.optional("readings").map_or((1, 1), |node| read_count(node, reading));
    fields.finish(&mut reading.problems);
    let (side, by) = below.or(above)?;
    Some(Change { side, by: reading.number(by)?, over: over?, at_least: at_least?, count, of })
}

pub fn read_instead(node: &Node, series: &[Series], reading: &mut Reading<'_>) -> (Who, Vec<Thresholds>, Mark) {
    let mut fields = Fields::of(node, "other thresholds");
    let who = fields.required("for");
    let who = reading.who(who);
    let mut thresholds = Vec::new();
    for node in fields.list("series") {
        let mut keys = Fields::of(node, "other thresholds of a series");
        let name = keys.required_text("name").unwrap_or_default();
        if !series.iter().any(|series| series.name == name) {
            keys.report(node.problem(format!("this alert has no series `{name}`")));
        }
        let (own, relatives) = threshold_keys(&name, &mut keys, reading);
        if !relatives.is_empty() {
            keys.report(node.problem("what is reckoned has the same bounds for everybody; say it in `series`"));
        }
        thresholds.push(own);
        keys.finish(&mut reading.problems);
    }
    fields.finish(&mut reading.problems);
    (who, thresholds, node.mark.clone())
}
