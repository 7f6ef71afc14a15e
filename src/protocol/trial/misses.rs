//! How many a rule leaves at each thing that it asks, and what came nearest: why a rule made nothing.

use jiff::Timestamp;

use super::left::{Left, each_of, each_visit};
use super::tally::{Miss, Tally};
use super::window::Window;
use crate::fhir::codings_of;
use crate::protocol::alert::{AlertRule, counts, near, taken_at};
use crate::protocol::codes::Codes;
use crate::protocol::context::{Context, Responsible};
use crate::protocol::deadline::Deadline;
use crate::protocol::facts::Facts;
use crate::protocol::model::{EncounterTest, Protocol, Trigger};
use crate::protocol::plain::{codes, enrolled};
use crate::protocol::referral::Referral;
use crate::protocol::referrals::referrals;
use crate::protocol::view::Explained;
use crate::protocol::who::Who;
use crate::record::Stored;

/// Looks at a record as it stands at the end of a window.
pub fn look(
    protocol: &Protocol,
    facts: &Facts<'_>,
    responsible: &Responsible<'_>,
    window: Window,
    last: &[Explained],
    tally: &mut Tally,
) {
    let nothing = std::collections::BTreeMap::new();
    let context = Context { protocol, facts, existing: &nothing, responsible };
    for prompt in &protocol.prompts {
        let mut left = Left::default();
        people(&context, &prompt.who, window, &mut left);
        left.put(tally, &prompt.id);
    }
    for task in &protocol.tasks {
        let mut left = Left::default();
        if people(&context, &task.who, window, &mut left) {
            trigger(&context, &task.when, window, &mut left);
        }
        left.put(tally, &task.id);
    }
    for alert in &protocol.alerts {
        let mut left = Left::default();
        if people(&context, &alert.who, window, &mut left) {
            readings(&context, alert, window, &mut left);
        }
        left.put(tally, &alert.id);
    }
    for line in last.iter().filter(|line| !line.applied && line.work.is_none()) {
        if let Some(rule) = tally.rule(&line.rule) {
            rule.refused += 1;
            rule.refusal.get_or_insert_with(|| line.words.clone());
        }
    }
}

/// Whether the patient is one of those that a rule is about, at the end of the window.
fn people(context: &Context<'_>, own: &Who, window: Window, left: &mut Left) -> bool {
    let sets = context.facts.value_sets;
    let mut belongs = true;
    left.step("people of the panels".to_string(), 1);
    for (part, words) in [&context.protocol.who, own].into_iter().flat_map(|who| each_of(who, sets)) {
        belongs &= context.facts.belongs(&part, window.until).0;
        left.step(words, usize::from(belongs));
    }
    belongs
}

fn trigger(context: &Context<'_>, when: &Trigger, window: Window, left: &mut Left) {
    let (facts, sets) = (context.facts, context.facts.value_sets);
    match when {
        Trigger::Arrival(test) => visits(context, test, window, false, left),
        Trigger::Discharge(test) => visits(context, test, window, true, left),
        Trigger::Count { test, at_least, within, .. } => {
            visits(context, test, window, false, left);
            let most = most_within(facts, test, *within, window);
            left.step(format!("by which there were {at_least} within {within}"), usize::from(most >= *at_least));
            let distance = 1.0 - most as f64 / *at_least as f64;
            let words = format!("{most} within {within}, asked is {at_least}");
            left.miss = (most > 0 && most < *at_least).then_some(Miss { distance, words });
        }
        Trigger::Answer { prompt, .. } => {
            left.step(format!("answers to `{prompt}`: in a trial nobody answers"), 0);
        }
        Trigger::Transfer(test) => visits(context, test, window, false, left),
        Trigger::Cancelled(test) => {
            let all = facts.visits.iter().filter(|visit| visit.status == "cancelled");
            let fitting = all.clone().filter(|visit| facts.fits(test, visit)).count();
            left.step("visits that were cancelled".to_string(), all.count());
            left.step("such visits".to_string(), fitting);
        }
        Trigger::Condition(test) => {
            let has = |stored: &&Stored| facts.has_code(&test.codes, &stored.resource.codings("code"));
            left.step(format!("diagnoses of {}", codes(&test.codes, sets)), facts.diagnoses().filter(has).count());
        }
        Trigger::Medication { codes: of, .. } => {
            let fitting = facts.stated_medicines().iter().filter(|medicine| facts.is_medicine(of, medicine));
            left.step(format!("medicines of {}", codes(of, sets)), fitting.count());
        }
        Trigger::Consent { .. } => left.step("consents".to_string(), facts.record.of_type("Consent").count()),
        Trigger::Date(_) => left.step("whose date of birth is known".to_string(), usize::from(facts.birth().is_some())),
        Trigger::Silence { codes: of, lasts } => silence(facts, of, *lasts, window, left),
        Trigger::Enrolled { enrolment, .. } => {
            left.step(format!("enrolled in {}", enrolled(enrolment, sets)), facts.enrolments(enrolment).count());
        }
        Trigger::Referral { stage, codes: of } => {
            let all = facts.referrals(referrals);
            left.step("referrals that are going on".to_string(), all.len());
            let is_of = |referral: &&Referral| {
                let request = facts.record.get("ServiceRequest", referral.request);
                let has = |of| request.is_some_and(|one| facts.has_code(of, &one.resource.codings("code")));
                of.as_ref().is_none_or(has)
            };
            if let Some(of) = of {
                left.step(format!("for {}", codes(of, sets)), all.iter().filter(is_of).count());
            }
            let at_stage = all.iter().filter(is_of).filter(|referral| referral.stage == *stage).count();
            left.step("at that stage when the window ends".to_string(), at_stage);
        }
    }
}

fn visits(context: &Context<'_>, test: &EncounterTest, window: Window, is_end: bool, left: &mut Left) {
    let facts = context.facts;
    let at = |moment: Option<Timestamp>| moment.is_some_and(|at| at > window.since && at <= window.until);
    let happened: Vec<_> = match is_end {
        true => {
            facts.visits.iter().filter(|visit| visit.status == "finished" && at(visit.end.or(visit.start))).collect()
        }
        false => facts.visits.iter().filter(|visit| visit.is_real() && at(visit.start)).collect(),
    };
    let turn = if is_end { "ended" } else { "began" };
    left.step(format!("visits that {turn} in the window"), happened.len());
    for (part, words) in each_visit(test, facts.value_sets) {
        left.step(words, happened.iter().filter(|visit| facts.fits(&part, visit)).count());
    }
}

/// The most visits that fit within a span that ends in the window.
fn most_within(facts: &Facts<'_>, test: &EncounterTest, within: Deadline, window: Window) -> usize {
    let starts: Vec<Timestamp> = facts.fitting(test).all().filter_map(|visit| visit.start).collect();
    let ends = |at: &&Timestamp| **at > window.since && **at <= window.until;
    let count = |last: &Timestamp| starts.iter().filter(|at| **at > within.before(*last) && *at <= last).count();
    starts.iter().filter(ends).map(count).max().unwrap_or_default()
}

fn silence(facts: &Facts<'_>, of: &Codes, lasts: Deadline, window: Window, left: &mut Left) {
    let is_of = |stored: &&Stored| {
        let components = stored.resource.get("component").and_then(serde_json::Value::as_array).into_iter().flatten();
        counts(stored)
            && (facts.has_code(of, &stored.resource.codings("code"))
                || components.filter_map(|one| one.get("code")).any(|code| facts.has_code(of, &codings_of(code))))
    };
    let mut taken: Vec<Timestamp> =
        facts.record.of_type("Observation").filter(is_of).filter_map(|stored| taken_at(facts, stored)).collect();
    taken.sort_unstable();
    left.step(format!("who ever had {}", codes(of, facts.value_sets)), usize::from(!taken.is_empty()));
    let ends = taken.iter().skip(1).copied().chain([window.until]);
    let longest = taken
        .iter()
        .zip(ends)
        .filter(|(_, end)| *end > window.since)
        .map(|(from, end)| (end.duration_since(*from), *from));
    let Some((longest, from)) = longest.max() else { return left.step(format!("who had none for {lasts}"), 0) };
    let is_long = lasts.after(from).duration_since(from) <= longest;
    left.step(format!("who had none for {lasts}"), usize::from(is_long));
    let asked = lasts.after(from).duration_since(from).as_secs_f64().max(1.0);
    let words = format!("none for {} days, asked is {lasts}", longest.as_hours() / 24);
    left.miss = (!is_long).then(|| Miss { distance: 1.0 - longest.as_secs_f64() / asked, words });
}

fn readings(context: &Context<'_>, rule: &AlertRule, window: Window, left: &mut Left) {
    let near = near(context, rule, window.since);
    let names: Vec<&str> =
        rule.series.iter().filter(|series| series.derived.is_none()).map(|series| series.name.as_str()).collect();
    left.step(format!("readings of {} in the window", names.join(", ")), near.readings);
    left.aside = near.aside;
    left.step("beyond a bound".to_string(), near.beyond);
    left.miss = near.nearest.map(|(distance, words)| Miss { distance, words });
}
