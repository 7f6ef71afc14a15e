//! A number by month as a line: the same drawing as readings have, without thresholds.

use super::draw::{BOTTOM, Drawn, GUTTER, LEAST_LEFT, Mark, TOP, TREND, WIDTH, trace};
use super::label::number;
use super::scale::Scale;

/// What is drawn: months in order with their value, none where there was nothing to count.
pub(crate) struct Trend<'a> {
    pub id: String,
    pub title: &'a str,
    pub months: Vec<(String, Option<f64>)>,
    /// Of a hundred; else from 0 to what there is.
    pub is_share: bool,
    pub description: String,
    pub last: String,
}

/// A line through the months that have a value; a month without one is a gap that the table behind it tells of.
pub(crate) fn trend(trend: &Trend<'_>) -> Drawn {
    let highest = trend.months.iter().filter_map(|(_, value)| *value).fold(0.0, f64::max);
    let domain = if trend.is_share { (0.0, 100.0) } else { (0.0, (highest * 1.2).max(1.0)) };
    let scale = Scale::new(domain, (BOTTOM, TOP));
    let (left, right) = (LEAST_LEFT, WIDTH - GUTTER);
    let last = trend.months.len().saturating_sub(1).max(1) as f64;
    let x = |place: usize| left + (place as f64 / last) * (right - left);
    let marks = if trend.is_share { vec![0.0, 50.0, 100.0] } else { scale.ticks(3) };
    let heights = marks.iter().map(|mark| Mark { at: scale.place(*mark), words: number(*mark), anchor: "end" });
    // Nothing lost: months between those that are named have a place of their own on the line, and a row in the table.
    let named = [0, trend.months.len() / 2, trend.months.len().saturating_sub(1)];
    let mut dates: Vec<Mark> = Vec::new();
    for (place, (words, _)) in trend.months.iter().enumerate().filter(|(place, _)| named.contains(place)) {
        let anchor = match place {
            0 => "start",
            place if place + 1 == trend.months.len() => "end",
            _ => "middle",
        };
        dates.push(Mark { at: x(place), words: words.clone(), anchor });
    }
    let mut drawn = Drawn {
        id: trend.id.clone(),
        title: trend.title.to_string(),
        description: trend.description.clone(),
        last: trend.last.clone(),
        last_at: String::new(),
        left,
        right,
        bands: Vec::new(),
        stays: Vec::new(),
        heights: heights.collect(),
        dates,
        targets: Vec::new(),
        line: String::new(),
        ranges: Vec::new(),
        points: Vec::new(),
        alerts: Vec::new(),
        notes: Vec::new(),
    };
    let points: Vec<(f64, f64)> = trend
        .months
        .iter()
        .enumerate()
        .filter_map(|(place, (_, value))| Some((x(place), scale.place((*value)?))))
        .collect();
    let has_gap = points.len() < trend.months.len();
    // A line over a gap would say what nobody knows.
    if has_gap || points.len() < TREND {
        drawn.points = points
    } else {
        trace(&mut drawn, &points)
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(values: &[Option<f64>]) -> Drawn {
        let months = values.iter().enumerate().map(|(place, value)| (format!("M{place}"), *value)).collect();
        let (id, last) = ("t".to_string(), String::new());
        trend(&Trend { id, title: "x", months, is_share: true, description: String::new(), last })
    }

    #[test]
    fn months_lie_in_order_and_a_gap_is_no_line() {
        let whole = drawn(&[Some(0.0), Some(50.0), Some(100.0)]);
        assert_eq!(whole.line, "34.0,154.0 187.0,81.0 340.0,8.0");
        assert_eq!(whole.dates.iter().map(|mark| mark.words.as_str()).collect::<Vec<_>>(), ["M0", "M1", "M2"]);
        let gap = drawn(&[Some(10.0), None, Some(20.0), Some(20.0)]);
        assert!(gap.line.is_empty() && gap.points.len() == 3, "{gap:?}");
        assert_eq!(drawn(&[Some(5.0)]).points.len(), 1);
        assert!(drawn(&[None]).points.is_empty());
    }
}
