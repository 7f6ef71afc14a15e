//! How near the readings of a window came to what an alert asks, for whoever wonders why it was never raised.

use jiff::Timestamp;

use super::gathered::Gathered;
use super::interval::{Answer, Interval};
use super::rule::{AlertRule, Bound, Series, Thresholds};
use super::thresholds::{judge, thresholds_for};
use super::units::{unit_words, with_unit};
use crate::protocol::context::Context;

/// Readings of one patient against one rule.
#[derive(Debug, Default)]
pub struct Near {
    pub readings: usize,
    /// Taken elsewhere, not to be right, or not to be used.
    pub aside: usize,
    /// Beyond a bound by themselves.
    pub beyond: usize,
    /// How far the nearest of the others was from its bound, as a part of the bound, and in words.
    pub nearest: Option<(f64, String)>,
}

pub fn near(context: &Context<'_>, rule: &AlertRule, since: Timestamp) -> Near {
    let gathered = Gathered::of(context.facts, rule);
    let (thresholds, _) = thresholds_for(context, rule);
    let implausible = gathered.implausible.iter().filter(|one| one.reading.at > since).count();
    let mut near = Near { aside: implausible + gathered.elsewhere.len() + gathered.unusable.len(), ..Near::default() };
    for reading in gathered.readings.iter().filter(|reading| reading.at > since) {
        near.readings += 1;
        let judged = judge(reading, &thresholds);
        if judged.warn == Answer::Met || judged.escalate == Answer::Met {
            near.beyond += 1;
            // Nothing lost: it is counted, and what is beyond a bound misses none.
            continue;
        }
        let each = reading.values.iter().zip(&thresholds).zip(&rule.series);
        for (distance, words) in each.filter_map(|((value, one), series)| distance((*value)?, one, series)) {
            if near.nearest.as_ref().is_none_or(|(known, _)| distance < *known) {
                near.nearest = Some((distance, words));
            }
        }
    }
    near
}

/// To the nearer of the outer bounds of a series.
fn distance(value: Interval, thresholds: &Thresholds, series: &Series) -> Option<(f64, String)> {
    let number = value.number()?;
    let far = |bound: Bound| ((number - bound.value).abs() / bound.value.abs().max(1.0), bound);
    let outer = super::rule::Side::BOTH.into_iter().filter_map(|side| thresholds.outer(side)).map(far);
    let (distance, bound) = outer.min_by(|one, other| one.0.total_cmp(&other.0))?;
    let words = with_unit(&value.words(), &series.unit);
    Some((distance, format!("{} {words}, asked is {}", series.name, bound.words(unit_words(&series.unit)))))
}
