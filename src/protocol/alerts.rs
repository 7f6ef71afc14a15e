//! Alert rules: readings out of range become one Task per patient, rule and episode, which climbs until a person takes it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::build::{self, TaskParts};
use super::episodes::{Episode, Grade, Graded, episodes};
use super::evaluate::{Context, Findings};
use super::model::{AlertRule, Level, Priority, Step, Thresholds};
use super::readings::{Reading, readings};
use super::tasks::CLOCK_SKEW;
use super::thresholds::{broken, grade, is_clear, thresholds_for, values_in_words};
use super::work::{Desired, Existing, Outcome, Work};
use crate::identity::ResourceId;

/// An alert tells of the first reading of its episode and of the newest ones.
const MOST_SEEN: usize = 64;

/// One rule for one patient.
struct Look<'l, 'a> {
    context: &'l Context<'a>,
    rule: &'l AlertRule,
    readings: Vec<Reading>,
    thresholds: Vec<Thresholds>,
    thresholds_words: String,
    existing: Vec<&'l Existing<'a>>,
}

pub fn owe(context: &Context<'_>, findings: &mut Findings) {
    for rule in &context.protocol.alerts {
        if context.includes(&rule.who, findings) {
            look(context, rule, findings);
        }
    }
}

fn look(context: &Context<'_>, rule: &AlertRule, findings: &mut Findings) {
    let (mut readings, left_out) = readings(context.facts, rule);
    for reading in left_out {
        let words = format!("A reading was left out: {}.", reading.words);
        findings.explain(context, (&rule.id, &rule.mark), Some(reading.id), false, words);
    }
    let horizon = context.now().saturating_add(CLOCK_SKEW).unwrap_or(Timestamp::MAX);
    if let Some(early) = readings.iter().find(|reading| reading.at > horizon) {
        findings.wake(early.at.saturating_sub(CLOCK_SKEW).unwrap_or(early.at));
    }
    readings.retain(|reading| reading.at <= horizon);
    let (thresholds, thresholds_words) = thresholds_for(context, rule);
    let existing = context.existing_of(&rule.id);
    let look = Look { context, rule, readings, thresholds, thresholds_words, existing };
    let graded = look.graded();
    let found = episodes(&graded, rule);
    let mut matched: Vec<ResourceId> = Vec::new();
    for episode in &found {
        if let Some(desired) = look.desired(episode, &mut matched, findings) {
            findings.desired.push(desired);
        }
    }
    look.keep_unseen(&matched, findings);
    if found.is_empty()
        && let Some(last) = look.readings.last()
    {
        let words = format!(
            "“{}” is not raised: {} against {}.",
            rule.title,
            values_in_words(last, rule),
            look.thresholds_words
        );
        findings.explain(context, (&rule.id, &rule.mark), last.ids.first().copied(), false, words);
    }
}

impl<'l, 'a> Look<'l, 'a> {
    fn graded(&self) -> Vec<Graded> {
        let closed: Vec<&Work> = self
            .existing
            .iter()
            .filter(|existing| existing.is_touched() && existing.is_ended())
            .map(|existing| &existing.work)
            .collect();
        let grade_one = |reading: &Reading| {
            let shown = values_in_words(reading, self.rule);
            let told = |work: &&Work| reading.ids.iter().any(|id| work.seen.get(&id.to_string()) == Some(&shown));
            Graded {
                at: reading.at,
                grade: grade(reading, &self.thresholds),
                is_clear: is_clear(reading, &self.thresholds),
                is_answered: closed.iter().any(told),
            }
        };
        self.readings.iter().map(grade_one).collect()
    }

    /// The alert that an episode is, if it is one.
    fn desired(&self, episode: &Episode, matched: &mut Vec<ResourceId>, findings: &mut Findings) -> Option<Desired> {
        let members: Vec<&Reading> = episode.readings.iter().filter_map(|place| self.readings.get(*place)).collect();
        let existing = self.existing.iter().copied().find(|existing| {
            let tells = |id: &ResourceId| {
                existing.work.seen.contains_key(&id.to_string()) || existing.work.anchor == id.to_string()
            };
            let is_over = existing.is_touched() && existing.is_ended();
            !is_over
                && !matched.contains(&existing.stored.id)
                && members.iter().any(|reading| reading.ids.iter().any(tells))
        });
        match existing {
            Some(existing) => matched.push(existing.stored.id),
            None => self.may_begin(episode, &members, findings)?,
        }
        Some(self.alert(episode, &members, existing, findings))
    }

    /// Whether a new alert may be made of an episode: it goes on, its newest reading is fresh, and nobody asked for quiet.
    fn may_begin(&self, episode: &Episode, members: &[&Reading], findings: &mut Findings) -> Option<()> {
        let (context, rule) = (self.context, self.rule);
        let newest = members.last()?;
        let say =
            |reason: String| format!("“{}” is not raised for {}: {reason}.", rule.title, values_in_words(newest, rule));
        let refusal = if let Some(over) = episode.over.and_then(|place| self.readings.get(place)) {
            Some(format!("it was back in range {} ({})", context.facts.say(over.at), values_in_words(over, rule)))
        } else if rule.max_age.after(newest.at) < context.now() {
            Some(format!("it was taken {}, more than {} ago", context.facts.say(newest.at), rule.max_age))
        } else {
            self.quiet_until().filter(|until| episode.grade == Grade::Warn && *until > context.now()).map(|until| {
                findings.wake(until);
                format!("a person closed the last one, and asked is quiet until {}", context.facts.say(until))
            })
        };
        let Some(reason) = refusal else { return Some(()) };
        findings.explain(context, (&rule.id, &rule.mark), newest.ids.first().copied(), false, say(reason));
        None
    }

    fn quiet_until(&self) -> Option<Timestamp> {
        let quiet = self.rule.quiet?;
        let closed = self.existing.iter().filter(|existing| existing.is_touched() && existing.is_ended());
        closed.map(|existing| quiet.after(existing.work.closed.unwrap_or(existing.stored.updated))).max()
    }

    fn alert(
        &self,
        episode: &Episode,
        members: &[&Reading],
        existing: Option<&Existing<'_>>,
        findings: &mut Findings,
    ) -> Desired {
        let (context, rule) = (self.context, self.rule);
        let level = if episode.grade == Grade::Escalate { &rule.escalate } else { &rule.warn };
        let former = existing.and_then(|existing| Grade::of(existing.work.level.as_deref()?));
        let raised = existing
            .filter(|_| former >= Some(episode.grade))
            .and_then(|existing| existing.work.raised)
            .unwrap_or(context.now());
        // Who took on a warning has not taken on the escalation it became.
        let taken = existing.filter(|existing| existing.is_acknowledged() && existing.touched_at() >= raised);
        let open = episode.over.is_none();
        let step = match taken {
            Some(existing) => existing.work.step,
            None => climbed(level, raised, open, context.now(), findings),
        };
        let anchor = existing.map_or_else(
            || members.first().and_then(|reading| reading.ids.first()).map(ToString::to_string).unwrap_or_default(),
            |existing| existing.work.anchor.clone(),
        );
        let mut work = Work::of(context.protocol, &rule.id, anchor, &rule.mark);
        work.level = Some(episode.grade.word().to_string());
        work.raised = Some(raised);
        work.step = step;
        work.seen = self.seen(members);
        let outcome = match episode.over.and_then(|place| self.readings.get(place)) {
            None => Outcome::Open,
            Some(reading) => Outcome::Over(format!(
                "back in range: {} on {}",
                values_in_words(reading, rule),
                context.facts.say(reading.at)
            )),
        };
        let insists = existing.is_some_and(|existing| existing.is_acknowledged() && existing.touched_at() < raised);
        let on = level.chain.get(step);
        self.finish(work, outcome, members, episode, (level, on), insists)
    }

    fn finish(
        &self,
        work: Work,
        outcome: Outcome,
        members: &[&Reading],
        episode: &Episode,
        (level, on): (&Level, Option<&Step>),
        insists: bool,
    ) -> Desired {
        let (context, rule) = (self.context, self.rule);
        let raised = work.raised.unwrap_or(context.now());
        let due = level.respond.due(raised, context.working());
        // The newest reading that is as bad as the episode; it is what the alert is about.
        let shown = members.iter().rev().find(|reading| grade(reading, &self.thresholds) >= Some(episode.grade));
        let shown = shown.or(members.last()).copied();
        let value = shown.map(|reading| values_in_words(reading, rule)).unwrap_or_default();
        let threshold = shown.map(|reading| broken(reading, &self.thresholds, rule)).unwrap_or_default();
        let at = shown.map_or(raised, |reading| reading.at);
        let counted = format!("{} of the last {} readings", level.count, level.of);
        let words = format!(
            "{value} on {}: {threshold}, which is {} ({counted}; {})",
            context.facts.say(at),
            if episode.grade == Grade::Escalate { "an escalation" } else { "a warning" },
            self.thresholds_words
        );
        let filled = |place: &str| match place {
            "patient" => context.facts.patient_name(),
            "value" => value.clone(),
            "threshold" => threshold.clone(),
            "time" => context.facts.say(at),
            "respond" => context.facts.say(due),
            "readings" => members.len().to_string(),
            _ => String::new(),
        };
        let since = self.readings.last().filter(|last| last.at > at);
        let tail = since
            .map(|last| format!(" Since then: {} on {}.", values_in_words(last, rule), context.facts.say(last.at)));
        let trigger = shown.and_then(|reading| reading.ids.last()).map(|id| format!("Observation/{id}"));
        let owner = on.map(|step| step.owner.as_slice()).unwrap_or_default();
        let usual = if episode.grade == Grade::Escalate { Priority::Asap } else { Priority::Urgent };
        let resource = build::task(
            context,
            TaskParts {
                rule: &rule.id,
                code: &format!("{}-{}", context.protocol.name, rule.id),
                is_alert: true,
                title: &rule.title,
                description: rule.text.fill(&filled) + &tail.unwrap_or_default(),
                words: &words,
                owner,
                priority: on.and_then(|step| step.priority).unwrap_or(usual),
                focus: trigger.clone(),
                encounter: None,
                authored: raised,
                due: Some(due),
            },
        );
        let person = work.anchor.parse::<ResourceId>().map_or(context.facts.record.head.person, |id| id.person);
        let id = ResourceId::of(person, "Task", &work.key());
        Desired { work, outcome, id, resource, trigger, words, insists }
    }

    fn seen(&self, members: &[&Reading]) -> BTreeMap<String, String> {
        let first = members.first().into_iter();
        let newest = members.iter().skip(1).rev().take(MOST_SEEN);
        let told = first.chain(newest).flat_map(|reading| {
            let shown = values_in_words(reading, self.rule);
            reading.ids.iter().map(move |id| (id.to_string(), shown.clone()))
        });
        told.collect()
    }

    /// Old readings are not loaded with a record; an open alert that tells only of such cannot be judged and stays.
    fn keep_unseen(&self, matched: &[ResourceId], findings: &mut Findings) {
        for existing in self.existing.iter().filter(|existing| !matched.contains(&existing.stored.id)) {
            let loaded =
                |id: &String| id.parse().is_ok_and(|id| self.context.facts.record.get("Observation", id).is_some());
            if self.context.facts.record.truncated && !existing.work.seen.keys().any(loaded) {
                findings.kept.insert(existing.work.key());
            }
        }
    }
}

/// The step of the chain that is due, counted from when the level was raised.
fn climbed(level: &Level, raised: Timestamp, open: bool, now: Timestamp, findings: &mut Findings) -> usize {
    let due = level.chain.iter().take_while(|step| step.after.after(raised) <= now).count();
    if open && let Some(next) = level.chain.get(due) {
        findings.wake(next.after.after(raised));
    }
    due.saturating_sub(1)
}
