//! Rules that ask for the same: one thing that happens makes two pieces of the same work.

use super::never::{Odd, share};
use crate::protocol::alert::{AlertRule, Series, Side, Thresholds};
use crate::protocol::model::{EncounterTest, Protocol, TaskRule, Trigger};
use crate::protocol::reason::Position;
use crate::protocol::who::Who;

pub fn look(protocols: &[Protocol], odd: Odd<'_>) {
    let tasks: Vec<(&Protocol, &TaskRule)> =
        protocols.iter().flat_map(|protocol| protocol.tasks.iter().map(move |rule| (protocol, rule))).collect();
    let alerts: Vec<(&Protocol, &AlertRule)> =
        protocols.iter().flat_map(|protocol| protocol.alerts.iter().map(move |rule| (protocol, rule))).collect();
    for (place, (protocol, rule)) in tasks.iter().enumerate() {
        // Nothing lost: each pair is looked at once.
        for (other_protocol, other) in tasks.iter().take(place) {
            let covers = std::ptr::eq(*protocol, *other_protocol) && rule.covered_by.contains(&other.id);
            if !covers
                && is_same_work(rule, other)
                && meet(&rule.when, &other.when)
                && people(protocol, &rule.who, other_protocol, &other.who)
            {
                let text = format!(
                    "`{}` ({}:{}) asks for the same when the same happens, and nobody can tell the two apart; say `covered-by` here, or ask for \
                     different people",
                    other.id, other.mark.file, other.mark.line
                );
                odd(&rule.mark, text);
            }
        }
    }
    for (place, (protocol, rule)) in alerts.iter().enumerate() {
        // Nothing lost: each pair is looked at once.
        for (other_protocol, other) in alerts.iter().take(place) {
            let shared = rule.series.iter().find_map(|one| other.series.iter().find(|two| watch_same(one, two)));
            if let Some(series) = shared
                && people(protocol, &rule.who, other_protocol, &other.who)
            {
                let text = format!(
                    "`{}` ({}:{}) watches {} on the same side: one reading rings twice; put the bounds into one rule, or ask for different people",
                    other.id, other.mark.file, other.mark.line, series.name
                );
                odd(&rule.mark, text);
            }
        }
    }
}

/// The same code of the work, or what ends it is the same.
fn is_same_work(one: &TaskRule, other: &TaskRule) -> bool {
    let done = |rule: &TaskRule| format!("{:?}", rule.done_by);
    one.code == other.code || (!one.done_by.is_empty() && one.owner == other.owner && done(one) == done(other))
}

/// One thing can be both triggers.
fn meet(one: &Trigger, other: &Trigger) -> bool {
    match (one, other) {
        (Trigger::Arrival(one), Trigger::Arrival(other))
        | (Trigger::Discharge(one), Trigger::Discharge(other))
        | (Trigger::Transfer(one), Trigger::Transfer(other))
        | (Trigger::Cancelled(one), Trigger::Cancelled(other))
        | (Trigger::Count { test: one, .. }, Trigger::Count { test: other, .. }) => visits(one, other),
        (Trigger::Answer { prompt, is }, Trigger::Answer { prompt: other, is: also }) => {
            prompt == other && is.iter().any(|answer| also.contains(answer))
        }
        (Trigger::Silence { codes, .. }, Trigger::Silence { codes: other, .. }) => share(codes, other),
        (Trigger::Enrolled { enrolment, .. }, Trigger::Enrolled { enrolment: other, .. }) => {
            share(&enrolment.programme, &other.programme)
                && enrolment.level.as_ref().zip(other.level.as_ref()).is_none_or(|(one, other)| share(one, other))
        }
        (Trigger::Referral { stage, codes }, Trigger::Referral { stage: other, codes: also }) => {
            stage == other && codes.as_ref().zip(also.as_ref()).is_none_or(|(one, other)| share(one, other))
        }
        (Trigger::Condition(one), Trigger::Condition(other)) => {
            one.becomes == other.becomes && share(&one.codes, &other.codes)
        }
        (Trigger::Consent { codes, becomes }, Trigger::Consent { codes: other, becomes: also }) => {
            becomes == also && codes.as_ref().zip(other.as_ref()).is_none_or(|(one, other)| share(one, other))
        }
        (Trigger::Medication { codes, becomes }, Trigger::Medication { codes: other, becomes: also }) => {
            becomes == also && same_set(codes, other)
        }
        (Trigger::Date(one), Trigger::Date(other)) => one == other,
        _ => false,
    }
}

fn visits(one: &EncounterTest, other: &EncounterTest) -> bool {
    let classes = one.classes.is_empty()
        || other.classes.is_empty()
        || one.classes.iter().any(|class| other.classes.contains(class));
    // A visit has many diagnoses and one principal one.
    let principal = |test: &EncounterTest| {
        !test.reasons.is_empty() && test.reasons.iter().all(|reason| reason.position == Position::Principal)
    };
    let reasons = !(principal(one) && principal(other))
        || one.reasons.iter().any(|reason| other.reasons.iter().any(|also| same_set(&reason.codes, &also.codes)));
    let excluded = |has: &EncounterTest, not: &EncounterTest| match (&has.disposition, &not.disposition_not) {
        (Some(has), Some(not)) => {
            has.value_sets.iter().all(|set| not.value_sets.contains(set))
                && has.listed.iter().all(|code| not.listed.contains(code))
        }
        _ => false,
    };
    let ends = one.disposition.as_ref().zip(other.disposition.as_ref()).is_none_or(|(one, other)| same_set(one, other));
    let filtered = one.filter.is_some() || other.filter.is_some() || one.after.is_some() != other.after.is_some();
    classes && reasons && ends && !filtered && !excluded(one, other) && !excluded(other, one)
}

fn same_set(one: &crate::protocol::codes::Codes, other: &crate::protocol::codes::Codes) -> bool {
    one.value_sets.iter().any(|set| other.value_sets.contains(set))
        || one.listed.iter().any(|code| other.listed.contains(code))
}

/// Somebody can belong to both.
fn people(one: &Protocol, own: &Who, other: &Protocol, also: &Who) -> bool {
    let all = [&one.who, own, &other.who, also];
    let from = all.iter().filter_map(|who| who.age?.0).max();
    let to = all.iter().filter_map(|who| who.age?.1).min();
    let levels: Vec<_> = all.iter().filter_map(|who| who.enrolled.as_ref()?.level.as_ref()).collect();
    let level = levels.iter().all(|level| levels.iter().all(|other| same_set(level, other)));
    let enrolled = all.iter().filter_map(|who| who.enrolled.as_ref());
    let not = || all.iter().filter_map(|who| who.not_enrolled.as_ref()).filter(|not| not.level.is_none());
    let apart = enrolled.into_iter().any(|one| not().any(|not| same_set(&one.programme, &not.programme)));
    let weeks = || all.iter().filter_map(|who| who.weeks);
    let first = weeks().filter_map(|weeks| weeks.from).max();
    let last = weeks().filter_map(|weeks| weeks.to).min();
    let is = |asked: bool| all.iter().any(|who| who.pregnant == Some(asked));
    let pregnancy = first.zip(last).is_none_or(|(first, last)| first <= last) && !(is(true) && is(false));
    // What `where` says cannot be compared.
    from.zip(to).is_none_or(|(from, to)| from <= to)
        && level
        && !apart
        && pregnancy
        && all.iter().all(|who| who.filter.is_none())
}

fn watch_same(one: &Series, other: &Series) -> bool {
    let both = |series: &Series| series.derived.is_none();
    let watches = |thresholds: &Thresholds, side: Side| thresholds.outer(side).is_some();
    both(one)
        && both(other)
        && same_set(&one.codes, &other.codes)
        && Side::BOTH.into_iter().any(|side| watches(&one.thresholds, side) && watches(&other.thresholds, side))
}
