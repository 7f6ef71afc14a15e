//! `alerts:` of a protocol: series of values, thresholds, how many readings make an alert, and who has it when.

use super::words::Reading;
use crate::protocol::deadline::Deadline;
use crate::protocol::filter::Filter;
use crate::protocol::model::{AlertRule, Bound, Level, Series, Side, Step, Thresholds, Who};
use crate::protocol::template::{ALERT_PLACES, Template};
use crate::yaml::{Fields, Mark, Node};

const DEFAULT_MAX_AGE: Deadline = Deadline::Days(2);
const ALL_TIME: Deadline = Deadline::Days(30);

pub fn read_alert(node: &Node, reading: &mut Reading<'_>) -> Option<AlertRule> {
    let mut fields = Fields::of(node, "an alert");
    let id = fields.required_text("id");
    let title = fields.required_text("title");
    let text = fields.required("text").map(|node| Template::read(node, ALERT_PLACES, &mut reading.problems));
    let who = fields.optional("for");
    let who = reading.who(who);
    let filter = fields.optional("where").and_then(|node| Filter::read(node, "Observation", &mut reading.problems));
    fields.required("series");
    let series: Vec<Series> = fields.list("series").into_iter().filter_map(|node| read_series(node, reading)).collect();
    let instead = fields.list("instead").into_iter().map(|node| read_instead(node, &series, reading)).collect();
    let warn = fields.required("warn").and_then(|node| read_level(node, reading));
    let escalate = fields.required("escalate").and_then(|node| read_level(node, reading));
    let clear_readings = fields.integer("clear-readings", 1..=10).unwrap_or(1);
    let max_age = reading.optional_deadline(&mut fields, "max-age").unwrap_or(DEFAULT_MAX_AGE);
    let quiet = reading.optional_deadline(&mut fields, "quiet");
    fields.finish(&mut reading.problems);
    Some(AlertRule {
        id: id?,
        mark: node.mark.clone(),
        title: title?,
        text: text?,
        who,
        filter,
        series,
        instead,
        warn: warn?,
        escalate: escalate?,
        clear_readings: usize::try_from(clear_readings).unwrap_or(1),
        max_age,
        quiet,
    })
}

fn read_series(node: &Node, reading: &mut Reading<'_>) -> Option<Series> {
    let mut fields = Fields::of(node, "a series of values");
    let name = fields.required_text("name");
    let codes = fields.required("code").map(|node| reading.codes(node));
    let unit = fields.required_text("unit");
    if let (Some(unit), Some(node)) = (&unit, fields.node().get("unit"))
        && octofhir_ucum::validate(unit).is_err()
    {
        fields.report(node.problem(format!("`{unit}` is not a UCUM unit; pressures are mm[Hg], shares %")));
    }
    let plausible = fields.required("plausible").map(|node| {
        let mut bounds = Fields::of(node, "plausible values");
        let from = bounds.required("from").and_then(|node| reading.number(node));
        let to = bounds.required("to").and_then(|node| reading.number(node));
        bounds.finish(&mut reading.problems);
        (from.unwrap_or(f64::MIN), to.unwrap_or(f64::MAX))
    });
    let name = name?;
    let thresholds = threshold_keys(&name, &mut fields, reading);
    fields.finish(&mut reading.problems);
    Some(Series { name, codes: codes?, unit: unit?, plausible: plausible?, thresholds: thresholds? })
}

fn threshold_keys(series: &str, fields: &mut Fields<'_>, reading: &mut Reading<'_>) -> Option<Thresholds> {
    let warn = fields.optional("warn").and_then(|node| read_bound(node, reading));
    let escalate = fields.optional("escalate").and_then(|node| read_bound(node, reading));
    let clear = fields.required("clear").and_then(|node| read_bound(node, reading))?;
    let node = fields.node();
    for bound in [warn, escalate].into_iter().flatten() {
        let gap = bound.value - clear.value;
        let apart = if bound.side == Side::Above { gap >= 0.0 } else { gap <= 0.0 };
        if bound.side == clear.side || !apart {
            fields.report(node.problem(
                "`clear` lies on the other side of `warn` and `escalate`: warn above 140, clear at 135 or below",
            ));
        }
    }
    if warn.is_none() && escalate.is_none() {
        fields.report(node.problem("give at least one of `warn` and `escalate`"));
    }
    Some(Thresholds { series: series.to_string(), warn, escalate, clear })
}

/// `{ above: 140 }`, `{ at-least: 180 }`, `{ below: 88 }`, `{ at-most: 135 }`.
fn read_bound(node: &Node, reading: &mut Reading<'_>) -> Option<Bound> {
    let mut fields = Fields::of(node, "a bound");
    let sides = [
        (fields.optional("above"), Side::Above, false),
        (fields.optional("at-least"), Side::Above, true),
        (fields.optional("below"), Side::Below, false),
        (fields.optional("at-most"), Side::Below, true),
    ];
    let given: Vec<_> =
        sides.into_iter().filter_map(|(node, side, inclusive)| Some((node?, side, inclusive))).collect();
    if given.len() != 1 && node.as_map().is_some() {
        fields.report(node.problem("a bound is one of above, at-least, below and at-most"));
    }
    fields.finish(&mut reading.problems);
    let (node, side, inclusive) = given.into_iter().next()?;
    Some(Bound { side, inclusive, value: reading.number(node)? })
}

fn read_instead(node: &Node, series: &[Series], reading: &mut Reading<'_>) -> (Who, Vec<Thresholds>, Mark) {
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
        thresholds.extend(threshold_keys(&name, &mut keys, reading));
        keys.finish(&mut reading.problems);
    }
    fields.finish(&mut reading.problems);
    (who, thresholds, node.mark.clone())
}

/// `{ readings: 2 of 3, within: 7 d, respond: 24 h, chain: [ { owner: coach }, { after: 24 h, owner: clinician } ] }`.
fn read_level(node: &Node, reading: &mut Reading<'_>) -> Option<Level> {
    let mut fields = Fields::of(node, "a level");
    let (count, of) = match fields.optional("readings") {
        None => (1, 1),
        Some(node) => read_count(node, reading),
    };
    let within = reading.optional_deadline(&mut fields, "within").unwrap_or(ALL_TIME);
    let respond = fields.required("respond").and_then(|node| reading.deadline(node));
    fields.required("chain");
    let chain: Vec<Step> = reading.steps(fields.list("chain"));
    if chain.first().is_some_and(|step| step.after != Deadline::Minutes(0) || step.owner.is_empty()) {
        fields.report(node.problem("the first step of the chain has it at once: an `owner` and no `after`"));
    }
    fields.finish(&mut reading.problems);
    Some(Level { count, of, within, respond: respond?, chain })
}

fn read_count(node: &Node, reading: &mut Reading<'_>) -> (usize, usize) {
    let text = node.as_text().unwrap_or_default();
    let parts = text.split_once(" of ").and_then(|(count, of)| Some((count.parse().ok()?, of.parse().ok()?)));
    match parts {
        Some((count, of)) if (1..=of).contains(&count) && of <= 20 => (count, of),
        _ => {
            reading.problems.push(node.problem("write how many of the last readings it takes: 2 of 3"));
            (1, 1)
        }
    }
}
