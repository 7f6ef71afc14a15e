//! Readings that cannot be right are work to repeat them: one Task per patient and protocol, until a later reading of the same
//! kind is plausible. Never an escalation, and never nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::gathered::{Gathered, Implausible};
use super::readings::{Reading, counts};
use super::rule::AlertRule;
use super::thresholds::{values_in_short, values_in_words};
use super::told::{climbed, free_anchor, is_told};
use crate::identity::ResourceId;
use crate::protocol::build::{self, TaskParts};
use crate::protocol::chain::Priority;
use crate::protocol::context::{Context, Findings};
use crate::protocol::names::REPEAT;
use crate::protocol::told;
use crate::protocol::work::{Desired, Existing, Outcome, TakenOn, Work};

/// The title of the work.
const TITLE: &str = "Repeat the reading";

/// What all rules of a protocol found.
#[derive(Default)]
pub struct Repeats<'p> {
    /// By what they were read from: rules of one file watch the same readings.
    wrong: BTreeMap<Vec<ResourceId>, (&'p AlertRule, Implausible)>,
    right: Vec<Right<'p>>,
}

/// A plausible reading.
struct Right<'p> {
    rule: &'p AlertRule,
    reading: Reading,
}

impl Right<'_> {
    fn states(&self, name: &String) -> bool {
        let stated = self.reading.values.iter().zip(&self.rule.series).filter(|(value, _)| value.is_some());
        stated.into_iter().any(|(_, series)| series.name == *name)
    }

    fn words(&self) -> String {
        values_in_short(&self.reading.values, self.rule)
    }
}

impl<'p> Repeats<'p> {
    pub fn add(&mut self, rule: &'p AlertRule, gathered: Gathered) {
        for implausible in gathered.implausible {
            self.wrong.entry(implausible.reading.ids.clone()).or_insert((rule, implausible));
        }
        self.right.extend(gathered.readings.into_iter().map(|reading| Right { rule, reading }));
    }

    pub fn owe(mut self, context: &Context<'_>, findings: &mut Findings) {
        self.right.sort_by_key(|right| right.reading.at);
        let existing = context.existing_of(REPEAT);
        let closed: Vec<&Existing<'_>> =
            existing.iter().copied().filter(|one| one.is_touched() && one.is_ended()).collect();
        let mut open: Vec<(&AlertRule, &Implausible)> = Vec::new();
        let mut repeated: BTreeMap<String, String> = BTreeMap::new();
        for (rule, wrong) in self.wrong.values() {
            match self.repeat_of(wrong) {
                Some(right) => {
                    let words = format!("repeated {}: {}", context.facts.say(right.reading.at), right.words());
                    repeated.extend(wrong.reading.ids.iter().map(|id| (id.to_string(), words.clone())));
                }
                None if closed.iter().any(|one| is_told(&one.work.seen, &wrong.reading, rule)) => {}
                None => open.push((rule, wrong)),
            }
        }
        open.sort_by_key(|(_, wrong)| wrong.reading.at);
        let tells = |one: &&Existing<'_>| {
            let is_of = |id: &ResourceId| one.work.seen.contains_key(&id.to_string());
            !(one.is_touched() && one.is_ended()) && open.iter().any(|(_, wrong)| wrong.reading.ids.iter().any(is_of))
        };
        let current = existing.iter().copied().find(tells);
        for left in existing.iter().filter(|one| current.is_none_or(|current| current.stored.id != one.stored.id)) {
            if let Some(ending) = self.ending(context, left, &repeated) {
                findings.endings.insert(left.work.key(), ending);
            }
        }
        let is_fresh =
            |(rule, wrong): &(&AlertRule, &Implausible)| rule.max_age.after(wrong.reading.at) >= context.now();
        if current.is_some() || open.iter().any(is_fresh) {
            let ids = open.iter().flat_map(|(_, wrong)| wrong.reading.ids.iter().map(ToString::to_string));
            let anchor = current.map(|current| current.work.anchor.clone());
            let anchor = anchor.unwrap_or_else(|| free_anchor(&existing, &ids.collect::<Vec<_>>()));
            push(context, &open, (current, anchor), findings);
        }
    }

    /// The first later reading that states plausibly what this one could not.
    fn repeat_of(&self, wrong: &Implausible) -> Option<&Right<'p>> {
        let from = self.right.partition_point(|right| right.reading.at <= wrong.reading.at);
        self.right.iter().skip(from).find(|right| wrong.series.iter().all(|series| right.states(series)))
    }

    fn ending(
        &self,
        context: &Context<'_>,
        left: &Existing<'_>,
        repeated: &BTreeMap<String, String>,
    ) -> Option<Outcome> {
        if let Some(words) = left.work.seen.keys().find_map(|id| repeated.get(id)) {
            return Some(Outcome::Over(words.clone()));
        }
        // Nothing lost: every key was written as an id.
        let id: ResourceId = left.work.seen.keys().find_map(|id| id.parse().ok())?;
        let stored = context.facts.record.get("Observation", id)?;
        if !counts(stored) {
            return Some(Outcome::Pointless("the reading was entered in error".to_string()));
        }
        let right = self.right.iter().find(|right| right.reading.ids.contains(&id))?;
        Some(Outcome::Pointless(format!("corrected to {}", right.words())))
    }
}

fn push(
    context: &Context<'_>,
    open: &[(&AlertRule, &Implausible)],
    (current, anchor): (Option<&Existing<'_>>, String),
    findings: &mut Findings,
) {
    // Nothing lost: nothing is wrong, so nothing is owed.
    let Some((rule, newest)) = open.last() else { return };
    let facts = context.facts;
    let repeat = &context.protocol.repeat;
    let taken = current.and_then(Existing::taken_on);
    let insists = taken.as_ref().is_some_and(|taken| is_more(taken, open, context.now()));
    let raised = current.filter(|_| !insists).and_then(|current| current.work.raised).unwrap_or(context.now());
    let due = repeat.respond.due(raised, context.working());
    let mut work = Work::of(context.protocol, REPEAT, anchor, &rule.mark);
    work.raised = Some(raised);
    work.step = match current.filter(|_| taken.is_some() && !insists) {
        Some(current) => current.work.step,
        None => climbed(&repeat.chain, raised, true, context.now(), findings),
    };
    work.seen = open.iter().flat_map(|(rule, wrong)| told(rule, wrong)).collect();
    work.taken_on = taken.or_else(|| current?.work.taken_on.clone());
    let values = values_in_words(&newest.reading.values, rule);
    let words = format!("{values} on {} cannot be right: {}", facts.say(newest.reading.at), newest.why);
    let description = format!(
        "{}: {words}. Repeat the reading by {}: the device and how it was put on, who was measured, how the value was written down.",
        facts.patient_name(),
        facts.say(due)
    );
    let on = repeat.chain.get(work.step);
    let focus = newest.reading.ids.first().map(|id| format!("Observation/{id}"));
    let resource = build::task(
        context,
        TaskParts {
            rule: REPEAT,
            code: &format!("{}-{REPEAT}", context.protocol.name),
            is_alert: false,
            title: TITLE,
            description,
            words: &words,
            owner: on.map(|step| step.owner.as_slice()).unwrap_or_default(),
            priority: on.and_then(|step| step.priority).unwrap_or(Priority::Urgent),
            focus: focus.clone(),
            encounter: None,
            authored: raised,
            due: Some(due),
        },
    );
    let person = work.anchor.parse::<ResourceId>().map_or(facts.record.head.person, |id| id.person);
    let id = ResourceId::of(person, "Task", &work.key());
    let mut sources = told::of_people(context, [&rule.who, &context.protocol.who]);
    let ids = open.iter().flat_map(|(_, wrong)| &wrong.reading.ids);
    sources.extend(ids.map(|id| format!("Observation/{id}")));
    findings.desired.push(Desired {
        work,
        outcome: Outcome::Open,
        id,
        resource,
        trigger: focus,
        words,
        insists,
        sources,
        inputs: None,
        rests: None,
    });
}

/// Whether there is a reading to repeat that was not known to the person who took the work on.
fn is_more(taken: &TakenOn, open: &[(&AlertRule, &Implausible)], now: Timestamp) -> bool {
    let is_news = |(rule, wrong): &(&AlertRule, &Implausible)| {
        !is_told(&taken.seen, &wrong.reading, rule) && rule.max_age.after(wrong.reading.at) >= now
    };
    open.iter().any(is_news)
}

fn told(rule: &AlertRule, wrong: &Implausible) -> Vec<(String, String)> {
    let shown = values_in_words(&wrong.reading.values, rule);
    wrong.reading.ids.iter().map(|id| (id.to_string(), shown.clone())).collect()
}
