//! Whatever is measured, a plot keeps to its frame, and no words lie on others.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::label::width;
use super::{Drawn, Look, Span, against, draw};
use crate::fhir::Identifier;
use crate::identity::{PersonId, ResourceId};
use crate::protocol::{Bound, Bounds, Chart, ChartPart, Charted, Side, Target};

fn now() -> Timestamp {
    "2026-11-25T13:12:00Z".parse().unwrap()
}

fn id(number: usize) -> ResourceId {
    ResourceId::of(PersonId::of(&Identifier::new("urn:s", "1")), "Observation", &number.to_string())
}

fn bound(side: Side, value: f64) -> Option<Bound> {
    Some(Bound { side, inclusive: false, value })
}

fn part(name: &str, unit: &str, above: f64, escalates: f64, target: Option<f64>) -> ChartPart {
    ChartPart {
        name: name.to_string(),
        unit_words: unit.to_string(),
        warn: Bounds { above: bound(Side::Above, above), below: None },
        escalate: Bounds { above: bound(Side::Above, escalates), below: None },
        target: target.map(|high| Target { low: None, high: Some(high) }),
        ..ChartPart::default()
    }
}

/// One reading every six hours, the last one now.
fn chart(parts: Vec<ChartPart>, values: &[Vec<f64>]) -> Chart {
    let count = values.len();
    let reading = |(place, values): (usize, &Vec<f64>)| Charted {
        at: now() - SignedDuration::from_hours(6 * (count - 1 - place) as i64),
        values: values.iter().copied().map(Some).collect(),
        shown: format!("{values:?}"),
        ids: vec![id(place)],
    };
    let readings = values.iter().enumerate().map(reading).collect();
    Chart {
        name: "pressure".to_string(),
        parts,
        readings,
        left_out: vec![(2, "without a unit".to_string())],
        is_watched: true,
    }
}

fn drawn(chart: &Chart, alerts: &[usize]) -> Option<Drawn> {
    let alerts: BTreeSet<ResourceId> = alerts.iter().map(|place| id(*place)).collect();
    let stay = (now() - SignedDuration::from_hours(240), now() - SignedDuration::from_hours(120));
    let zone = TimeZone::get("America/New_York").unwrap();
    let look = Look { span: Span::days(60, now()), stays: &[stay], alerts: &alerts, now: now(), zone: &zone };
    draw(chart, 3, &look)
}

fn is_inside(drawn: &Drawn) -> Result<(), TestCaseError> {
    let (left, right) = (drawn.left - 0.01, drawn.right + 0.01);
    let is_in = |x: f64, y: f64| x >= left && x <= right && (7.99..=154.01).contains(&y);
    for pair in drawn.line.split_whitespace() {
        let (x, y) = pair.split_once(',').unwrap();
        prop_assert!(is_in(x.parse::<f64>().unwrap().clamp(drawn.left, drawn.right), y.parse().unwrap()), "{pair}");
    }
    let all = drawn.points.iter().chain(&drawn.alerts).all(|(x, y)| is_in(*x, *y));
    prop_assert!(all && drawn.ranges.iter().all(|(x, top, low)| is_in(*x, *top) && is_in(*x, *low) && top <= low));
    prop_assert!(drawn.stays.iter().all(|(x, width)| *x >= left && x + width <= right + 2.0));
    for band in &drawn.bands {
        prop_assert!(band.top >= 7.99 && band.top + band.height <= 154.01);
    }
    let mut lines: Vec<f64> = drawn.bands.iter().filter_map(|band| band.line).collect();
    lines.sort_by(f64::total_cmp);
    prop_assert!(lines.windows(2).all(|pair| pair[1] - pair[0] >= 12.0), "words lie on words: {lines:?}");
    for mark in &drawn.heights {
        prop_assert!(width(&mark.words) <= drawn.left - 5.0, "{} sticks out", mark.words);
    }
    let mut dates: Vec<(f64, f64)> = Vec::new();
    for mark in &drawn.dates {
        let long = width(&mark.words);
        let start = match mark.anchor {
            "start" => mark.at,
            "middle" => mark.at - long / 2.0,
            _ => mark.at - long,
        };
        dates.push((start, start + long));
    }
    prop_assert!(dates.windows(2).all(|pair| pair[0].1 < pair[1].0), "dates lie on each other: {dates:?}");
    Ok(())
}

proptest! {
    #[test]
    fn a_plot_keeps_to_its_frame(
        values in prop::collection::vec(-20.0_f64..400_000.0, 1..400),
        bounds in (0.0_f64..500.0, 0.0_f64..500.0), target in prop::option::of(0.0_f64..300.0), alert in 0_usize..400
    ) {
        let values: Vec<Vec<f64>> = values.into_iter().map(|value| vec![value]).collect();
        let one = part("weight", "lb", bounds.0, bounds.0 + bounds.1, target);
        let chart = chart(vec![one], &values);
        let drawn = drawn(&chart, &[alert]).unwrap();
        is_inside(&drawn)?;
        let shown = chart.readings.len().saturating_sub(240);
        prop_assert_eq!(drawn.alerts.len(), usize::from(alert >= shown.saturating_sub(1) && alert < chart.readings.len()));
    }

    #[test]
    fn pressures_are_bars_from_the_lower_to_the_upper(values in prop::collection::vec((60.0_f64..260.0, 20.0_f64..160.0), 1..90)) {
        let values: Vec<Vec<f64>> = values.into_iter().map(|(one, other)| vec![one, other]).collect();
        let parts = vec![part("systolic", "mmHg", 140.0, 180.0, Some(130.0)), part("diastolic", "mmHg", 90.0, 120.0, Some(80.0))];
        let drawn = drawn(&chart(parts, &values), &[]).unwrap();
        prop_assert_eq!((drawn.ranges.len(), drawn.line.as_str()), (values.len(), ""));
        prop_assert_eq!(drawn.targets[0].words.as_str(), "≤ 130/80");
        prop_assert!(drawn.notes.iter().any(|note| note.contains("above 90 mmHg: warns")), "{:?}", drawn.notes);
        is_inside(&drawn)?;
    }
}

#[test]
fn one_reading_is_a_point_with_its_words_and_three_are_a_line() {
    let weight = || part("weight", "lb", 180.0, 190.0, None);
    let one = drawn(&chart(vec![weight()], &[vec![173.0]]), &[0]).unwrap();
    assert_eq!((one.line.as_str(), one.points.len(), one.alerts.len()), ("", 1, 1));
    assert!(one.notes.iter().any(|note| note.starts_with("One reading only")), "{:?}", one.notes);
    assert!(one.notes.iter().any(|note| note == "2 not drawn: without a unit."));
    let three = drawn(&chart(vec![weight()], &[vec![170.0], vec![171.0], vec![173.0]]), &[]).unwrap();
    assert!(!three.line.is_empty() && three.points.len() == 1);
    assert!(three.description.contains("3 readings, 170 to 173 lb"), "{}", three.description);
    assert!(drawn(&chart(vec![weight()], &[]), &[]).is_none(), "nothing measured, nothing drawn");
}

#[test]
fn the_table_says_how_each_reading_stands() {
    let parts = vec![part("systolic", "mmHg", 140.0, 180.0, Some(130.0)), part("diastolic", "mmHg", 90.0, 120.0, None)];
    let chart = chart(parts, &[vec![128.0, 80.0], vec![185.0, 95.0], vec![134.0, 70.0]]);
    let zone = TimeZone::UTC;
    let rows = against(&chart, &BTreeSet::from([id(1)]), (now(), &zone));
    let told: Vec<&str> = rows.iter().map(|row| row.against.as_str()).collect();
    let alert = "alert, systolic above 180 mmHg: escalates, diastolic above 90 mmHg: warns";
    assert_eq!(told, ["systolic above the target", alert, ""], "newest first");
    assert!(rows[1].is_alert && rows[0].at == "Today 1:12 PM");
}
