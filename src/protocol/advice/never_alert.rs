//! Bounds that no reading can reach, and levels that none makes.

use super::never::{Odd, length};
use crate::protocol::alert::{
    Against, AlertRule, Bound, Bounds, Derived, Level, Series, Side, Steepness, Thresholds, unit_words,
};
use crate::protocol::deadline::Deadline;
use crate::protocol::model::Protocol;

pub fn look(protocol: &Protocol, odd: Odd<'_>) {
    for rule in &protocol.alerts {
        for series in &rule.series {
            of_bounds(rule, series, &series.thresholds, odd);
        }
        for (_, thresholds, _) in &rule.instead {
            for own in thresholds {
                let series = rule.series.iter().find(|series| series.name == own.series);
                series.into_iter().for_each(|series| of_bounds(rule, series, own, odd));
            }
        }
        if all(rule)
            .all(|one| one.warn == Bounds::default() && one.escalate == Bounds::default() && one.change.is_none())
        {
            odd(
                &rule.mark,
                "no series has `warn`, `escalate` or `change`: this is never raised; give one of them a bound"
                    .to_string(),
            );
        }
        of_level(rule, &rule.warn, "warn", odd);
        of_level(rule, &rule.escalate, "escalate", odd);
        of_same(rule, odd);
    }
}

fn all(rule: &AlertRule) -> impl Iterator<Item = &Thresholds> {
    let instead = rule.instead.iter().flat_map(|(_, thresholds, _)| thresholds);
    rule.series.iter().map(|series| &series.thresholds).chain(instead)
}

/// A value beyond the bound is one that cannot be right, and is left aside.
fn of_bounds(rule: &AlertRule, series: &Series, thresholds: &Thresholds, odd: Odd<'_>) {
    if let Some(derived) = series.derived {
        return of_trend(rule, derived, odd);
    }
    let each = [("warn", thresholds.warn), ("escalate", thresholds.escalate), ("extreme", thresholds.extreme)];
    for (word, bound) in each.iter().flat_map(|(word, bounds)| bounds.each().map(move |bound| (word, bound))) {
        let (end, limit) = match bound.side {
            Side::Above => ("to", series.plausible.to),
            Side::Below => ("from", series.plausible.from),
        };
        if is_out_of_reach(bound, limit) {
            let unit = unit_words(&series.unit);
            let text = format!(
                "`{word}` of {} is {}, and beyond {limit} {unit} (`plausible`) no value can be right: it is never reached; change the bound, or \
                 `plausible: {{ {end} }}`",
                series.name,
                bound.words(unit)
            );
            odd(&rule.mark, text);
        }
    }
}

/// So many days do not fit into the time.
fn of_trend(rule: &AlertRule, derived: Derived, odd: Odd<'_>) {
    if let (Against::Trend(Steepness { least, .. }), Deadline::Days(days)) = (derived.against, derived.within)
        && least > usize::try_from(days).unwrap_or(usize::MAX).saturating_add(1)
    {
        let text = format!(
            "a trend of {least} days with readings within {days} days is never judged; ask for fewer, or give it more time"
        );
        odd(&rule.mark, text);
    }
}

fn is_out_of_reach(bound: Bound, limit: f64) -> bool {
    bound.side.is_beyond(bound.value, limit) || (!bound.inclusive && (bound.value - limit).abs() < f64::EPSILON)
}

/// So many sittings do not fit into the time.
fn of_level(rule: &AlertRule, level: &Level, word: &str, odd: Odd<'_>) {
    let apart = length(rule.apart).as_second();
    let least = apart.saturating_mul(i64::try_from(level.count.saturating_sub(1)).unwrap_or(i64::MAX));
    if least > length(level.within).as_second() {
        let text = format!(
            "`{word}` asks for {} sittings within {}, and what is measured within {} is one sitting: it is never reached; give it more time",
            level.count, level.within, rule.apart
        );
        odd(&rule.mark, text);
    }
}

/// Whoever reaches the warning reaches the escalation.
fn of_same(rule: &AlertRule, odd: Odd<'_>) {
    let is_one = |level: &Level| level.count == 1;
    if !is_one(&rule.warn) || !is_one(&rule.escalate) || rule.escalate.confirm.is_some() {
        return;
    }
    for series in &rule.series {
        for side in Side::BOTH {
            let (warn, escalate) = (series.thresholds.warn.on(side), series.thresholds.escalate.on(side));
            if warn.is_some() && warn == escalate {
                let name = &series.name;
                odd(
                    &rule.mark,
                    format!(
                        "`warn` and `escalate` of {name} have the same bound: it never only warns; move one of them"
                    ),
                );
            }
        }
    }
}
