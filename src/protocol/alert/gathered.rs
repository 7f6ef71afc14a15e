//! All readings of one rule, sorted out: those to judge, those that cannot be right, those taken elsewhere, those that cannot
//! be used, and those ahead of the clock.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::derive::derive;
use super::interval::{Answer, Interval};
use super::readings::{Fault, Reading, Stated, Watched, counts, elsewhere, taken_at};
use super::rule::{AlertRule, Bound, Side};
use super::units::unit_words;
use crate::identity::ResourceId;
use crate::protocol::deadline::CLOCK_SKEW;
use crate::protocol::facts::Facts;
use crate::record::Stored;

/// Each reading is in one of these, oldest first.
#[derive(Debug, Default)]
pub struct Gathered {
    pub readings: Vec<Reading>,
    pub implausible: Vec<Implausible>,
    pub elsewhere: Vec<Elsewhere>,
    pub unusable: Vec<Unusable>,
    pub early: Vec<Reading>,
}

/// A reading that cannot be right.
#[derive(Debug, Clone, PartialEq)]
pub struct Implausible {
    pub reading: Reading,
    /// The names of the series that a repeat must state.
    pub series: Vec<String>,
    /// `SpO2 is outside of 40 to 100 %`.
    pub why: String,
}

#[derive(Debug)]
pub struct Elsewhere {
    pub id: ResourceId,
    pub place: &'static str,
}

#[derive(Debug)]
pub struct Unusable {
    pub id: ResourceId,
    /// The place of its series in the rule.
    pub series: usize,
    pub fault: Fault,
}

impl Gathered {
    pub fn of(facts: &Facts<'_>, rule: &AlertRule) -> Self {
        let mut gathered = Self::default();
        let mut by_time: BTreeMap<Timestamp, Reading> = BTreeMap::new();
        let mut observations: Vec<&Stored> = watched_by(facts, rule).filter(|one| counts(one)).collect();
        // Of two Observations of the same moment, the one stated later stands; by when it was stated, not by when it arrived.
        observations.sort_by_key(|stored| (stored.state.stamps.values().max(), stored.updated, stored.id));
        let mut watched = Watched::default();
        for stored in observations {
            let stated = watched.stated(facts, stored, rule);
            if !stated.is_empty() && rule.filter.as_ref().is_none_or(|filter| facts.holds(filter, stored)) {
                gathered.sort(facts, rule, (stored, stated), &mut by_time);
            }
        }
        let horizon = facts.now.saturating_add(CLOCK_SKEW).unwrap_or(Timestamp::MAX);
        let (early, known): (Vec<Reading>, Vec<Reading>) =
            by_time.into_values().partition(|reading| reading.at > horizon);
        gathered.early = early;
        for reading in joined(known, rule) {
            match implausible(&reading, rule) {
                Some((series, why)) => gathered.implausible.push(Implausible { reading, series, why }),
                None => gathered.readings.push(reading),
            }
        }
        derive(&mut gathered.readings, rule, facts.zone);
        gathered
    }

    fn sort(
        &mut self,
        facts: &Facts<'_>,
        rule: &AlertRule,
        (stored, stated): (&Stored, Stated),
        by_time: &mut BTreeMap<Timestamp, Reading>,
    ) {
        let at = taken_at(facts, stored);
        if let Some(place) = at.and_then(|at| elsewhere(facts, rule, stored, at)) {
            return self.elsewhere.push(Elsewhere { id: stored.id, place });
        }
        for (series, value) in stated {
            let value = value.and_then(|value| Ok((at.ok_or(Fault::NoTime)?, value)));
            match value {
                Err(fault) => self.unusable.push(Unusable { id: stored.id, series, fault }),
                Ok((at, value)) => put(by_time, rule, stored.id, (at, series, value)),
            }
        }
    }
}

/// The Observations that may state something of a rule's series.
pub fn watched_by<'a>(facts: &Facts<'a>, rule: &AlertRule) -> impl Iterator<Item = &'a Stored> {
    facts.observed_as(|coding| rule.series.iter().any(|series| facts.has_code(&series.codes, coding)))
}

fn put(
    by_time: &mut BTreeMap<Timestamp, Reading>,
    rule: &AlertRule,
    id: ResourceId,
    (at, series, value): (Timestamp, usize, Interval),
) {
    let empty = || Reading { at, values: vec![None; rule.series.len()], ids: Vec::new() };
    let reading = by_time.entry(at).or_insert_with(empty);
    if let Some(place) = reading.values.get_mut(series) {
        *place = Some(value);
    }
    if !reading.ids.contains(&id) {
        reading.ids.push(id);
        reading.ids.sort();
    }
}

/// One measurement whose parts were stated some seconds apart is one reading: systolic now, diastolic twenty seconds later.
fn joined(readings: Vec<Reading>, rule: &AlertRule) -> Vec<Reading> {
    let mut joined: Vec<Reading> = Vec::new();
    for reading in readings {
        let before = joined.last_mut().filter(|last| {
            let is_new = |(old, new): (&Option<Interval>, &Option<Interval>)| old.is_none() || new.is_none();
            reading.at < rule.apart.after(last.at) && last.values.iter().zip(&reading.values).all(is_new)
        });
        match before {
            None => joined.push(reading),
            Some(last) => {
                last.values.iter_mut().zip(reading.values).for_each(|(old, new)| *old = old.or(new));
                last.ids.extend(reading.ids);
                last.ids.sort();
                last.ids.dedup();
            }
        }
    }
    joined
}

/// The series that a reading cannot be right in, and why. One wrong value spoils the reading: it was one grip of the cuff.
fn implausible(reading: &Reading, rule: &AlertRule) -> Option<(Vec<String>, String)> {
    let mut series = Vec::new();
    let mut why = Vec::new();
    for ((place, one), value) in rule.series.iter().enumerate().zip(&reading.values) {
        // Nothing lost: what is not stated cannot be wrong.
        let Some(value) = value else { continue };
        let (from, to) = (one.plausible.from, one.plausible.to);
        let lowest = Bound { side: Side::Below, inclusive: false, value: from };
        let highest = Bound { side: Side::Above, inclusive: false, value: to };
        if [lowest, highest].into_iter().any(|bound| value.asked(bound) == Answer::Met) {
            series.push(place);
            why.push(format!("{} is outside of {from} to {to} {}", one.name, unit_words(&one.unit)));
        }
        let other = one.plausible.above.and_then(|other| Some((other, rule.series.get(other)?)));
        // Nothing lost: no other series bounds this one.
        let Some((other, below)) = other else { continue };
        let other_value = reading.values.get(other).copied().flatten();
        if other_value.is_some_and(|other| value.high <= other.low) {
            series.extend([place, other]);
            why.push(format!("{} is not above {}", one.name, below.name));
        }
    }
    series.sort_unstable();
    series.dedup();
    let names = series.iter().filter_map(|place| Some(rule.series.get(*place)?.name.clone()));
    (!series.is_empty()).then(|| (names.collect(), why.join(", ")))
}
