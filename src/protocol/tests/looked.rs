//! What a page shows of a record: readings with the bounds that hold, what is left out with its reason, alerts, answers.

use super::stage::{SHIPPED, at, scene, tell};
use crate::protocol::{Chart, Side};

fn chart<'c>(charts: &'c [Chart], name: &str) -> &'c Chart {
    charts.iter().find(|chart| chart.name == name).unwrap_or_else(|| panic!("no chart {name} in {charts:?}"))
}

#[test]
fn readings_come_with_the_bounds_that_hold_for_the_patient() {
    let mut scene = scene("2026-03-01T08:00");
    tell(&mut scene, "{ condition: I50.9, at: '2026-03-01' }");
    tell(&mut scene, "{ observation: 29463-7, value: 80, unit: kg, at: '2026-03-02T08:00' }");
    tell(&mut scene, "{ observation: 29463-7, value: 181.5, unit: '[lb_av]', at: '2026-03-03T08:00' }");
    tell(&mut scene, "{ goal: 29463-7, high: 167, unit: '[lb_av]', at: '2026-03-03T08:00' }");
    tell(&mut scene, "{ observation: 59408-5, value: 95, unit: '%', at: '2026-03-03T08:00' }");
    tell(&mut scene, "{ observation: 2823-3, value: 4.1, unit: mmol/L, at: '2026-03-03T08:00' }");
    scene.pass_until(at("2026-03-03T09:00"));
    let looked = SHIPPED.look(&scene.view());
    let weight = chart(&looked.charts, "weight");
    let shown: Vec<&str> = weight.readings.iter().map(|reading| reading.shown.as_str()).collect();
    assert_eq!(shown.len(), 2);
    assert!(shown[0].ends_with(" lb") && shown[0].starts_with("176.3"), "one unit for all: {shown:?}");
    assert_eq!(weight.parts[0].changes.len(), 4, "three changes and a trend: {:?}", weight.parts[0].changes);
    assert!(weight.parts[0].changes.iter().any(|change| change.days == Some(1) && change.by == Some(2.0)));
    let alert = looked.alerts.first().expect("five pounds in a day");
    assert_eq!(alert.reading, weight.readings.last().unwrap().ids.first().copied());
    assert_eq!(weight.parts[0].target.and_then(|target| target.high), Some(167.0));
    let oxygen = chart(&looked.charts, "SpO2");
    assert_eq!(oxygen.parts[0].warn.on(Side::Below).map(|bound| (bound.value, bound.inclusive)), Some((92.0, true)));
    let other = looked.charts.iter().find(|chart| !chart.is_watched).expect("potassium is watched by nobody");
    assert_eq!((other.readings.len(), other.parts[0].warn.each().count()), (1, 0));
    assert!(
        looked.questions.iter().any(|question| question.title == "Care in heart failure" && question.answers.len() > 1)
    );
}

#[test]
fn pressures_are_one_chart_and_what_is_not_drawn_is_counted() {
    let mut scene = scene("2026-03-01T08:00");
    tell(&mut scene, "{ blood-pressure: 128/82, at: '2026-03-02T08:00' }");
    tell(&mut scene, "{ blood-pressure: 400/82, at: '2026-03-02T10:00' }");
    scene.pass_until(at("2026-03-02T12:00"));
    let looked = SHIPPED.look(&scene.view());
    let pressure = chart(&looked.charts, "blood pressure");
    assert_eq!(pressure.parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>(), ["systolic", "diastolic"]);
    assert_eq!(pressure.readings.len(), 1);
    assert_eq!(
        (pressure.readings[0].values.as_slice(), pressure.readings[0].shown.as_str()),
        ([Some(128.0), Some(82.0)].as_slice(), "128/82 mmHg")
    );
    assert!(
        pressure.left_out.iter().any(|(count, why)| *count == 1 && why.contains("cannot be right")),
        "{:?}",
        pressure.left_out
    );
    assert_eq!(pressure.parts[0].warn.on(Side::Above).map(|bound| bound.value), Some(140.0));
    let today = pressure.parts[0].today.on(Side::Above).map(|bound| bound.value);
    assert_eq!(today, Some(180.0), "140 is answered within two business days, 180 within the hour");
}
