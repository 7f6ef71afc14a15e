//! One plot: where everything of it lies. The template only writes it down.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::bands::{Band, bands, bounds_in_words};
use super::label::{number, plain, width};
use super::scale::{Scale, Span};
use super::thin::{MOST_POINTS, thin};
use crate::console::when;
use crate::identity::ResourceId;
use crate::protocol::{Chart, ChartPart, Charted, Side, Target};

/// The drawing, in its own units; it is shown as wide as there is room.
pub(super) const WIDTH: f64 = 400.0;
pub(super) const TOP: f64 = 8.0;
pub(super) const BOTTOM: f64 = 154.0;
pub(super) const LEAST_LEFT: f64 = 34.0;
pub(super) const GUTTER: f64 = 60.0;
/// A line is drawn from so many readings on; fewer are points.
pub(super) const TREND: usize = 3;

/// What all plots of a page share.
pub(crate) struct Look<'a> {
    pub span: Span,
    /// From when until when the patient was in hospital.
    pub stays: &'a [(Timestamp, Timestamp)],
    /// Readings that raised an alert.
    pub alerts: &'a BTreeSet<ResourceId>,
    pub now: Timestamp,
    pub zone: &'a TimeZone,
}

/// A text at a place of one axis.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mark {
    pub at: f64,
    pub words: String,
    pub anchor: &'static str,
}

/// A plot, ready to be written down.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Drawn {
    pub id: String,
    pub title: String,
    pub description: String,
    /// The last reading, and when it was.
    pub last: String,
    pub last_at: String,
    pub left: f64,
    pub right: f64,
    pub bands: Vec<Band>,
    pub stays: Vec<(f64, f64)>,
    pub heights: Vec<Mark>,
    pub dates: Vec<Mark>,
    pub targets: Vec<Mark>,
    pub line: String,
    /// Place, top and bottom of the bars of pressures.
    pub ranges: Vec<(f64, f64, f64)>,
    pub points: Vec<(f64, f64)>,
    pub alerts: Vec<(f64, f64)>,
    /// What the drawing has no room for, and what is not drawn.
    pub notes: Vec<String>,
}

/// Draws the readings of a chart that lie in the span; none where there are none.
pub(crate) fn draw(chart: &Chart, place: usize, look: &Look<'_>) -> Option<Drawn> {
    let readings: Vec<&Charted> = chart.readings.iter().filter(|reading| look.span.holds(reading.at)).collect();
    let last = readings.last()?;
    let upper = chart.parts.first()?;
    let height = |reading: &&Charted| reading.values.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
    let heights: Vec<f64> = readings.iter().map(height).collect();
    let alerted: BTreeSet<usize> = readings
        .iter()
        .enumerate()
        .filter(|(_, reading)| reading.ids.iter().any(|id| look.alerts.contains(id)))
        .map(|(place, _)| place)
        .collect();
    let is_pair = chart.parts.len() > 1;
    let domain = domain(chart, &readings);
    let marks = Scale::new(domain, (BOTTOM, TOP)).ticks(4);
    let left = marks.iter().map(|mark| width(&number(*mark)) + 9.0).fold(LEAST_LEFT, f64::max);
    let (right, scale) = (WIDTH - GUTTER, Scale::new(domain, (BOTTOM, TOP)));
    let across = look.span.scale(left, right);
    let x = |at: Timestamp| across.place(look.span.seconds(at));
    let mut drawn = Drawn {
        id: format!("plot-{place}"),
        title: capital(&chart.name),
        description: String::new(),
        last: last.shown.clone(),
        last_at: when::moment(last.at, look.now, look.zone),
        left,
        right,
        bands: bands(upper, if is_pair { &[Side::Above] } else { &Side::BOTH }, scale, (TOP, BOTTOM)),
        stays: stays(look, &x),
        heights: marks
            .iter()
            .map(|mark| Mark { at: scale.place(*mark), words: number(*mark), anchor: "end" })
            .collect(),
        dates: dates(look, left, right),
        targets: targets(chart, scale),
        line: String::new(),
        ranges: Vec::new(),
        points: Vec::new(),
        alerts: Vec::new(),
        notes: Vec::new(),
    };
    let shown = thin(&heights, &alerted);
    let of = |place: &usize| Some((*place, *readings.get(*place)?, *heights.get(*place)?));
    let mut line = Vec::new();
    for (place, reading, height) in shown.iter().filter_map(of) {
        let (at, top) = (x(reading.at), scale.place(height));
        match reading.values.as_slice() {
            [Some(one), Some(other)] if is_pair => {
                drawn.ranges.push((at, scale.place(one.max(*other)), scale.place(one.min(*other))));
            }
            _ if is_pair => drawn.points.push((at, top)),
            _ => line.push((at, top)),
        }
        if alerted.contains(&place) {
            drawn.alerts.push((at, (top - 9.0).max(TOP)));
        }
    }
    trace(&mut drawn, &line);
    drawn.notes = notes(chart, &drawn, (readings.len(), shown.len()));
    drawn.description = describe(chart, &readings, &alerted, look);
    Some(drawn)
}

/// A line from three readings on; the last of a line, and all of fewer, as points.
pub(super) fn trace(drawn: &mut Drawn, line: &[(f64, f64)]) {
    if line.len() < TREND {
        drawn.points.extend_from_slice(line);
        return;
    }
    let points: Vec<String> = line.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    drawn.line = points.join(" ");
    drawn.points.extend(line.last().copied());
}

/// From the lowest to the highest that must be seen: readings, the first bound of each side and the target. What escalates is shown
/// where it is not far beyond.
fn domain(chart: &Chart, readings: &[&Charted]) -> (f64, f64) {
    let is_pair = chart.parts.len() > 1;
    let mut seen: Vec<f64> = readings.iter().flat_map(|reading| reading.values.iter().flatten().copied()).collect();
    for (place, part) in chart.parts.iter().enumerate() {
        seen.extend(part.target.iter().flat_map(|target| [target.low, target.high]).flatten());
        if place == 0 {
            seen.extend(part.warn.above.map(|bound| bound.value));
            seen.extend(part.warn.below.filter(|_| !is_pair).map(|bound| bound.value));
        }
    }
    let edges = |seen: &[f64]| {
        let finite = || seen.iter().copied().filter(|value| value.is_finite());
        (finite().reduce(f64::min).unwrap_or(0.0), finite().reduce(f64::max).unwrap_or(1.0))
    };
    let (low, high) = edges(&seen);
    let near = (high - low) * 0.6;
    if let Some(part) = chart.parts.first() {
        let above = part.escalate.above.map(|bound| bound.value).filter(|value| *value <= high + near);
        let below =
            part.escalate.below.filter(|_| !is_pair).map(|bound| bound.value).filter(|value| *value >= low - near);
        seen.extend(above.into_iter().chain(below));
    }
    let (low, high) = edges(&seen);
    let room = ((high - low) * 0.12).max(high.abs() * 0.01).max(0.5);
    (low - room, high + room)
}

fn stays(look: &Look<'_>, x: &impl Fn(Timestamp) -> f64) -> Vec<(f64, f64)> {
    let within = look.stays.iter().filter(|(from, until)| *until >= look.span.from && *from <= look.span.until);
    within.map(|(from, until)| (x(*from), (x(*until) - x(*from)).max(1.5))).collect()
}

/// The first day, two between, and today.
fn dates(look: &Look<'_>, left: f64, right: f64) -> Vec<Mark> {
    let day = |at: Timestamp| at.to_zoned(look.zone.clone()).strftime("%b %-d").to_string();
    let today = when::date_in(look.span.until, look.zone) == when::date_in(look.now, look.zone);
    let end = if today { "today".to_string() } else { day(look.span.until) };
    [(0.0, "start"), (1.0 / 3.0, "middle"), (2.0 / 3.0, "middle"), (1.0, "end")]
        .into_iter()
        .map(|(share, anchor)| Mark {
            at: left + share * (right - left),
            words: if share < 1.0 { day(look.span.at(share)) } else { end.clone() },
            anchor,
        })
        .collect()
}

/// The dashed lines of the upper part, with what they stand for; the words of two lines never lie on each other.
fn targets(chart: &Chart, scale: Scale) -> Vec<Mark> {
    let Some(target) = chart.parts.first().and_then(|part| part.target) else { return Vec::new() };
    let words = target_words(&chart.parts);
    let mut marks: Vec<Mark> = [target.high, target.low]
        .into_iter()
        .flatten()
        .map(|value| Mark { at: scale.place(value), words: String::new(), anchor: "start" })
        .collect();
    if let Some(first) = marks.first_mut() {
        first.words = words;
    }
    marks
}

/// `below 130/80`, `80–130`, `at least 92`.
pub(super) fn target_words(parts: &[ChartPart]) -> String {
    let ends = |end: fn(&Target) -> Option<f64>| -> Option<String> {
        let all: Option<Vec<String>> = parts.iter().map(|part| Some(plain(end(part.target.as_ref()?)?))).collect();
        all.or_else(|| Some(vec![plain(end(parts.first()?.target.as_ref()?)?)])).map(|all| all.join("/"))
    };
    match (ends(|target| target.low), ends(|target| target.high)) {
        (Some(low), Some(high)) => format!("{low}–{high}"),
        (None, Some(high)) => format!("≤ {high}"),
        (Some(low), None) => format!("≥ {low}"),
        (None, None) => String::new(),
    }
}

fn notes(chart: &Chart, drawn: &Drawn, (all, shown): (usize, usize)) -> Vec<String> {
    let on_plot: Vec<&str> =
        drawn.bands.iter().filter(|band| band.line.is_some()).map(|band| band.words.as_str()).collect();
    let mut notes = Vec::new();
    for part in &chart.parts {
        let left: Vec<String> = bounds_in_words(part)
            .into_iter()
            .filter(|words| chart.parts.len() > 1 || !on_plot.contains(&words.as_str()))
            .collect();
        // Nothing lost: what stands in the drawing of one part need not be said again.
        let left: Vec<String> = left.into_iter().filter(|words| !on_plot.contains(&words.as_str())).collect();
        if !left.is_empty() {
            let name = if chart.parts.len() > 1 { format!("{}: ", capital(&part.name)) } else { String::new() };
            notes.push(capital(&format!("{name}{}.", left.join("; "))));
        }
    }
    if !chart.is_watched {
        notes.push("No protocol in force watches this.".to_string());
    }
    if all == 1 {
        notes.push("One reading only: no trend is drawn.".to_string());
    }
    // Nothing lost: this is where it is said.
    if shown < all {
        notes.push(format!(
            "{shown} of {all} readings are drawn, at most {MOST_POINTS}, every alert among them; the table has all."
        ));
    }
    let left_out = chart.left_out.iter().map(|(count, why)| format!("{count} not drawn: {why}."));
    notes.extend(left_out);
    notes
}

fn describe(chart: &Chart, readings: &[&Charted], alerted: &BTreeSet<usize>, look: &Look<'_>) -> String {
    let day = |at: Timestamp| when::day(when::date_in(at, look.zone), when::date_in(look.now, look.zone));
    let unit = chart.parts.first().map(|part| part.unit_words.as_str()).unwrap_or_default();
    let range = |place: usize| {
        let values = || readings.iter().filter_map(move |reading| reading.values.get(place).copied().flatten());
        let (low, high) = (values().reduce(f64::min)?, values().reduce(f64::max)?);
        Some(format!("{} to {}", plain(low), plain(high)))
    };
    let ranges: Vec<String> = (0..chart.parts.len()).filter_map(range).collect();
    let count = if readings.len() == 1 { "1 reading".to_string() } else { format!("{} readings", readings.len()) };
    let mut said =
        format!("{} from {} to {}: {count}", capital(&chart.name), day(look.span.from), day(look.span.until));
    if readings.len() > 1 {
        said += format!(", {} {unit}", ranges.join(" over ")).trim_end();
    }
    if let Some(last) = readings.last() {
        said += &format!(", last {} {}", last.shown, day(last.at));
    }
    let alerts: Vec<String> = alerted.iter().filter_map(|place| Some(day(readings.get(*place)?.at))).collect();
    if !alerts.is_empty() {
        said += &format!(". Alerts: {}", alerts.join(", "));
    }
    let words = target_words(&chart.parts);
    if !words.is_empty() {
        said += format!(". Target {words} {unit}").trim_end();
    }
    said + "."
}

pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
