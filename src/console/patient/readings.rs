//! The readings of a patient as plots, with the table behind each.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::console::plot::{Drawn, Look, Row, Span, against, draw};
use crate::identity::ResourceId;
use crate::protocol::Looked;

/// The spans that a person can choose, in days, with how many results are read for each.
pub(super) const SPANS: [(u16, &str, usize); 3] = [(30, "30 days", 400), (60, "60 days", 800), (365, "1 year", 3_000)];
/// Rows of a table; older ones are counted.
const ROWS: usize = 100;

/// One plot and its table.
pub(crate) struct Plotted {
    pub drawn: Drawn,
    pub rows: Vec<Row>,
    /// How many older rows there are.
    pub more: usize,
    pub count: usize,
}

/// All readings of the page.
pub(crate) struct Readings {
    pub plots: Vec<Plotted>,
    /// What was measured and lies before the span: its name, and when it was last.
    pub earlier: Vec<String>,
    /// Things that no rule watches and that are not drawn.
    pub more: usize,
}

pub(super) fn readings(looked: &Looked, days: u16, now: Timestamp, zone: &TimeZone) -> Readings {
    let alerts: BTreeSet<ResourceId> = looked.alerts.iter().filter_map(|alert| alert.reading).collect();
    let stays: Vec<(Timestamp, Timestamp)> = looked
        .visits
        .iter()
        .filter(|visit| visit.is_stay)
        .filter_map(|visit| Some((visit.start?, visit.end.unwrap_or(now))))
        .collect();
    let span = Span::days(days, now);
    let look = Look { span, stays: &stays, alerts: &alerts, now, zone };
    let (mut plots, mut earlier) = (Vec::new(), Vec::new());
    for (place, chart) in looked.charts.iter().enumerate() {
        match draw(chart, place, &look) {
            Some(drawn) => {
                let within =
                    chart.readings.iter().filter(|reading| span.holds(reading.at)).cloned().collect::<Vec<_>>();
                let count = within.len();
                let mut rows =
                    against(&crate::protocol::Chart { readings: within, ..chart.clone() }, &alerts, (now, zone));
                // Nothing lost: the table says how many older ones there are, and the list of results has them.
                rows.truncate(ROWS);
                plots.push(Plotted { drawn, more: count.saturating_sub(rows.len()), rows, count });
            }
            None => {
                let last = chart.readings.last().map(|last| crate::console::when::moment(last.at, now, zone));
                let left: Vec<String> =
                    chart.left_out.iter().map(|(count, why)| format!("{count} not drawn: {why}")).collect();
                let told =
                    last.map(|last| format!("last {last}")).into_iter().chain(left).collect::<Vec<_>>().join("; ");
                earlier.push(format!("{}: {told}", crate::console::plot::capital(&chart.name)));
            }
        }
    }
    Readings { plots, earlier, more: looked.more_charts }
}
