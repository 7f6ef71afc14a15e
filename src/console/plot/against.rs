//! The table behind a plot: each reading with how it stands to the bounds, the target and the one before.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::label::plain;
use crate::console::when;
use crate::identity::ResourceId;
use crate::protocol::{Bound, Chart, ChartPart, Charted, Side};

/// One reading.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub id: String,
    pub at: String,
    pub value: String,
    pub against: String,
    pub is_alert: bool,
}

/// All readings, newest first.
pub(crate) fn against(chart: &Chart, alerts: &BTreeSet<ResourceId>, (now, zone): (Timestamp, &TimeZone)) -> Vec<Row> {
    let mut rows = Vec::with_capacity(chart.readings.len());
    let mut before: Option<&Charted> = None;
    for reading in &chart.readings {
        let is_alert = reading.ids.iter().any(|id| alerts.contains(id));
        let mut words: Vec<String> = is_alert.then(|| "alert".to_string()).into_iter().collect();
        words
            .extend(chart.parts.iter().zip(&reading.values).filter_map(|(part, value)| stands(part, (*value)?, chart)));
        words.extend(change(chart, reading, before));
        rows.push(Row {
            id: reading.ids.first().map(ToString::to_string).unwrap_or_default(),
            at: when::moment(reading.at, now, zone),
            value: reading.shown.clone(),
            against: words.join(", "),
            is_alert,
        });
        before = Some(reading);
    }
    rows.reverse();
    rows
}

/// How a value stands to the bounds and the target; nothing where there are none.
fn stands(part: &ChartPart, value: f64, chart: &Chart) -> Option<String> {
    let breaks = |bound: &Bound| bound.side.is_beyond(value, bound.value) || (bound.inclusive && value == bound.value);
    let of = if chart.parts.len() > 1 { format!("{} ", part.name) } else { String::new() };
    for (bounds, does) in [(part.escalate, "escalates"), (part.warn, "warns")] {
        if let Some(bound) = bounds.each().find(breaks) {
            return Some(format!("{of}{}: {does}", bound.words(&part.unit_words)));
        }
    }
    let target = part.target?;
    let is_off = |end: Option<f64>, side: Side| end.is_some_and(|end| side.is_beyond(value, end));
    if is_off(target.high, Side::Above) {
        return Some(format!("{of}above the target"));
    }
    if is_off(target.low, Side::Below) {
        return Some(format!("{of}below the target"));
    }
    (chart.parts.len() == 1).then(|| "within the target".to_string())
}

/// By how much it changed, where a change is what counts or nothing else is known.
fn change(chart: &Chart, reading: &Charted, before: Option<&Charted>) -> Option<String> {
    let [part] = chart.parts.as_slice() else { return None };
    if part.changes.is_empty() && chart.is_watched {
        return None;
    }
    let value = |reading: &Charted| reading.values.first().copied().flatten();
    let by = value(reading)? - value(before?)?;
    Some(format!("{}{}", if by > 0.0 { "+" } else { "" }, plain(by)))
}
