//! Sittings: readings taken within some minutes of each other are one. A warning goes by their mean, as home measurement is
//! judged (AHA 2019, doi 10.1161/HYP.0000000000000087; ESH 2023); an escalation by each that stands, whatever the others were.

use jiff::Timestamp;

use super::baseline;
use super::confirmation::Standing;
use super::grade::Grade;
use super::interval::{Answer, Interval};
use super::readings::Reading;
use super::rule::{AlertRule, Bound, Side, Thresholds};
use super::thresholds::{broken, judge, values_in_words};
use super::units::unit_words;

/// Readings that count as one.
#[derive(Debug, Clone, PartialEq)]
pub struct Sitting {
    /// When the first was taken.
    pub at: Timestamp,
    /// Their places.
    pub readings: Vec<usize>,
    /// Their means, by series.
    pub values: Vec<Option<Interval>>,
    pub grade: Option<Grade>,
    pub in_range: Vec<Option<Answer>>,
    /// Until when a second reading is waited for.
    pub waits: Option<Timestamp>,
    /// What its grade goes by: the reading that stands, or the mean of all.
    pub shown_at: Timestamp,
    stands: Option<Vec<Option<Interval>>>,
    /// The distance from the person's own baseline that made it a warning, by the place of the series.
    change: Option<(usize, Bound, f64)>,
}

impl Sitting {
    /// The values that its grade goes by.
    pub fn shown(&self, rule: &AlertRule) -> String {
        let words = values_in_words(self.shown_values(), rule);
        let is_mean = self.stands.is_none() && self.readings.len() > 1;
        if is_mean { format!("{words} (mean of {})", self.readings.len()) } else { words }
    }

    /// The bounds that they broke.
    pub fn broken(&self, thresholds: &[Thresholds], rule: &AlertRule) -> String {
        let change = self.change.and_then(|(series, bound, by)| Some((rule.series.get(series)?, bound, by)));
        match change {
            Some((series, bound, by)) => change_in_words(&series.name, bound, by, unit_words(&series.unit)),
            None => broken(self.shown_values(), thresholds, rule).join(", "),
        }
    }

    fn shown_values(&self) -> &[Option<Interval>] {
        self.stands.as_deref().unwrap_or(&self.values)
    }
}

/// The sittings of a rule's readings, oldest first; readings that a repeat did not confirm are in none.
pub fn sittings(
    readings: &[Reading],
    standings: &[Standing],
    thresholds: &[Thresholds],
    rule: &AlertRule,
) -> Vec<Sitting> {
    let mut groups: Vec<(Timestamp, Vec<usize>)> = Vec::new();
    for (place, (reading, standing)) in readings.iter().zip(standings).enumerate() {
        if matches!(standing, Standing::Refuted(_)) {
            // Nothing lost: what a repeat refuted is said by `said::judged`.
            continue;
        }
        match groups.last_mut().filter(|(first, _)| reading.at < rule.apart.after(*first)) {
            Some((_, places)) => places.push(place),
            None => groups.push((reading.at, vec![place])),
        }
    }
    let of_group = |(at, places)| sitting(at, places, readings, standings, thresholds, rule);
    let mut sittings: Vec<Sitting> = groups.into_iter().map(of_group).collect();
    for (series, thresholds) in thresholds.iter().enumerate() {
        weigh_change(&mut sittings, series, thresholds);
    }
    sittings
}

fn sitting(
    at: Timestamp,
    places: Vec<usize>,
    readings: &[Reading],
    standings: &[Standing],
    thresholds: &[Thresholds],
    rule: &AlertRule,
) -> Sitting {
    let own: Vec<(&Reading, Standing)> =
        places.iter().filter_map(|place| Some((readings.get(*place)?, *standings.get(*place)?))).collect();
    let mean_of = |series: usize| {
        let values: Vec<Interval> =
            own.iter().filter_map(|(reading, _)| reading.values.get(series).copied().flatten()).collect();
        Interval::mean(&values)
    };
    let values: Vec<Option<Interval>> = (0..rule.series.len()).map(mean_of).collect();
    let mean = Reading { at, values, ids: Vec::new() };
    let judged = judge(&mean, thresholds);
    let waits = own.iter().filter_map(|(_, standing)| match standing {
        Standing::Waits(until) => Some(*until),
        _ => None,
    });
    let level = |standing: &Standing| match standing {
        Standing::Waits(_) => Some(Grade::Unconfirmed),
        Standing::Is(grade) => *grade,
        Standing::Refuted(_) => None,
    };
    // The newest of the readings that reach the sitting's level by themselves; a warning goes by the mean.
    let worst = own.iter().max_by_key(|(_, standing)| level(standing));
    let worst = worst.filter(|(_, standing)| level(standing) > Some(Grade::Warn));
    let grade = worst.map_or_else(|| judged.grade().map(|_| Grade::Warn), |(_, standing)| level(standing));
    Sitting {
        at,
        waits: waits.max(),
        grade,
        in_range: judged.in_range,
        shown_at: worst.map_or(at, |(reading, _)| reading.at),
        stands: worst.map(|(reading, _)| reading.values.clone()),
        change: None,
        values: mean.values,
        readings: places,
    }
}

/// A series may also be judged by its distance from the person's own baseline.
fn weigh_change(sittings: &mut [Sitting], series: usize, thresholds: &Thresholds) {
    // Nothing lost: this series has no change to weigh.
    let Some(change) = thresholds.change else { return };
    let values: Vec<(Timestamp, Option<Interval>)> =
        sittings.iter().map(|sitting| (sitting.at, sitting.values.get(series).copied().flatten())).collect();
    let bounds = baseline::bounds(&values, change);
    let warns = baseline::warns(&values, &bounds, change);
    for (((sitting, (_, value)), bound), warns) in sittings.iter_mut().zip(&values).zip(bounds).zip(warns) {
        // Nothing lost: without a value or a baseline there is nothing to compare.
        let Some((value, bound)) = value.zip(bound) else { continue };
        if value.asked(bound) != Answer::NotMet
            && let Some(answer) = sitting.in_range.get_mut(series)
        {
            *answer = Some(Answer::NotMet);
        }
        if warns && sitting.grade.is_none() {
            sitting.grade = Some(Grade::Warn);
            sitting.change = Some((series, bound, change.by));
        }
    }
}

/// `SpO2 3 % or more below the person's own 97 %`.
fn change_in_words(name: &str, bound: Bound, by: f64, unit: &str) -> String {
    let (baseline, side) = match bound.side {
        Side::Above => (bound.value - by, "above"),
        Side::Below => (bound.value + by, "below"),
    };
    format!("{name} {by} {unit} or more {side} the person's own {baseline} {unit}")
}
