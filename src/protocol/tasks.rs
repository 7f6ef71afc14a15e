//! Task rules: each trigger in the record is an anchor, and each anchor says whether work is owed, done, over or pointless.

use std::collections::BTreeSet;
use std::hash::Hash;

use jiff::Timestamp;

use super::anchor::Anchor;
use super::anchors::anchors;
use super::build::{self, TaskParts};
use super::chain::{Priority, Step};
use super::context::{Context, Findings};
use super::deadline::{CLOCK_SKEW, Deadline};
use super::facts::Facts;
use super::inputs::{Inputs, inputs_of, version_of};
use super::last_time::LastTime;
use super::model::{Evidence, TaskRule, Trigger};
use super::owed::Owed;
use super::sources::Sources;
use super::visit::Visit;
use super::wording::{fill, why};
use super::work::{Desired, Outcome, Work, key};
use super::{attempts, evidence, last_time, together, told};
use crate::identity::ResourceId;
use crate::problem::{Category, Place, Problem};
use crate::unused::{Duty, Kind};

pub fn owe(context: &Context<'_>, findings: &mut Findings) {
    for rule in &context.protocol.tasks {
        let (covers, named) = (covers(context, rule), together::named(context, rule));
        let consider = |anchor| consider(context, rule, anchor, (&covers, &named), findings);
        let mut owed: Vec<Owed<'_, '_>> = anchors(context, rule).into_iter().filter_map(consider).collect();
        if rule.together {
            together::unite(context, rule, &mut owed);
        }
        let last_time = last_time::of_rule(context, rule);
        let of_rule = of_rule(context, rule, last_time.as_ref());
        for one in owed {
            let step = climbed(context, rule, &one, findings);
            let inputs = inputs(context.facts, &one, (step, of_rule));
            let key = key(&context.protocol.name, &rule.id, &one.anchor.name);
            let desired = match findings.memory.standing(&key, inputs) {
                // What is gathered may be another though the work is the same.
                _ if rule.gathers.is_some() => desire(context, rule, one, (step, last_time.as_ref())),
                Some(standing) => Desired::clone(standing),
                None => Desired { inputs: Some(inputs), ..desire(context, rule, one, (step, last_time.as_ref())) },
            };
            findings.desired.push(desired);
        }
    }
}

/// A hash of what all work of a rule is made from, besides what is the same for all rules.
fn of_rule(context: &Context<'_>, rule: &TaskRule, last_time: Option<&LastTime>) -> Inputs {
    let facts = context.facts;
    let people = || [&rule.who, &context.protocol.who].into_iter();
    let counted = match &rule.when {
        Trigger::Count { test, .. } => Some(test),
        _ => None,
    };
    inputs_of(&[
        &|hasher| {
            let conditions = people().map(|who| facts.conditions_of(who));
            conditions.for_each(|of_who| of_who.iter().for_each(|stored| version_of(stored, hasher)));
        },
        &|hasher| {
            let medicines = people().filter_map(|who| who.medication.as_ref());
            let taken = medicines.flat_map(|codes| facts.medications(codes));
            taken.for_each(|stored| version_of(stored, hasher));
        },
        &|hasher| {
            let pregnancies = people().filter(|who| who.asks_pregnancy()).filter_map(|_| facts.pregnancy(facts.now));
            pregnancies.flat_map(|pregnancy| pregnancy.by).for_each(|stored| version_of(stored, hasher));
        },
        &|hasher| {
            let groups = people().filter_map(|who| who.conditions.as_ref());
            groups.for_each(|count| facts.condition_groups(count).hash(hasher));
        },
        &|hasher| {
            let visits = counted.into_iter().flat_map(|test| facts.fitting(test).all());
            visits.for_each(|visit| visit.inputs.hash(hasher));
        },
        &|hasher| last_time.map(|last| (&last.words, &last.sources)).hash(hasher),
    ])
}

/// A hash of all that a piece of work is made from.
fn inputs(facts: &Facts<'_>, one: &Owed<'_, '_>, (step, of_rule): (usize, Inputs)) -> Inputs {
    let Owed { anchor, existing, outcome, held, due, who_words, also, ended_by, lapsed: _ } = one;
    // Nothing lost: every name of a visit is its id.
    let visit = |name: &str| name.parse().ok().and_then(|id| facts.visit(id)).map(|visit| visit.inputs);
    inputs_of(&[
        &|hasher| (step, of_rule, &anchor.name, anchor.at, &anchor.over, &anchor.detail).hash(hasher),
        &|hasher| (&anchor.about, &anchor.referral, &anchor.told).hash(hasher),
        &|hasher| (anchor.visit.map(|visit| visit.inputs), outcome, due, who_words, ended_by).hash(hasher),
        &|hasher| held.hash(hasher),
        &|hasher| also.iter().for_each(|(name, words)| (words, visit(name)).hash(hasher)),
        &|hasher| existing.iter().for_each(|existing| existing.hash(hasher)),
    ])
}

/// Whether a trigger is one that the rule owes work for, or did; why not is told.
fn consider<'v, 'a>(
    context: &Context<'v>,
    rule: &TaskRule,
    anchor: Anchor<'v, 'a>,
    (covers, named): (&[Cover<'v>], &BTreeSet<&str>),
    findings: &mut Findings,
) -> Option<Owed<'v, 'a>> {
    let existing = context.existing_at(&rule.id, &anchor.name);
    let is_new = existing.is_none() && !named.contains(anchor.name.as_str());
    // A visit that was over before anybody had to ask needs no word.
    if anchor.over.is_some() && rule.wait.is_some_and(|wait| wait.after(anchor.at) > context.now()) {
        return None;
    }
    let (belongs, who_words) = context.facts.belongs(&rule.who, anchor.at);
    let refusal = if !belongs {
        Some(format!("“{}” is not owed: {who_words}.", rule.title))
    } else if let Some(other) = covering(context, covers, &anchor) {
        Some(format!("“{}” is not owed by itself: “{}” asks for it already.", rule.title, other.title))
    } else if is_new && anchor.over.is_none() && rule.max_age.after(anchor.at) < context.now() {
        let when = context.facts.say(anchor.at);
        Some(format!(
            "“{}” is not owed: it happened {when}, more than {} ago; histories make no work.",
            rule.title, rule.max_age
        ))
    } else if let Some(words) = aside(context, rule, &anchor, is_new) {
        Some(words)
    } else {
        let refusal = too_early(context, rule, &anchor, findings);
        refusal.or_else(|| if is_new { in_quiet_hours(context, rule, findings) } else { None })
    };
    if let Some(words) = refusal {
        let about = anchor.visit.map(|visit| visit.id);
        findings.explain(context, (rule.id.as_str(), &rule.mark), about, false, words);
        return None;
    }
    let (mut outcome, ended_by) = outcome_of(context, rule, &anchor);
    let lapsed = rule.lapses.filter(|_| outcome == Outcome::Open).and_then(|lapses| {
        let end = lapses.due(anchor.at, context.working());
        if end > context.now() {
            findings.wake(end);
            return None;
        }
        outcome = Outcome::Pointless(format!("nobody did it within {lapses}"));
        Some(end)
    });
    let held = held(context, rule, anchor.at);
    let due = rule.due.map(|due| due.due(counted_from(due, anchor.at, held), context.working()));
    Some(Owed { anchor, existing, outcome, held, due, who_words, also: Vec::new(), ended_by, lapsed })
}

/// Why the rule leaves a trigger aside: the visit is elsewhere, or a person ended such work lately.
fn aside(context: &Context<'_>, rule: &TaskRule, anchor: &Anchor<'_, '_>, is_new: bool) -> Option<String> {
    let facts = context.facts;
    let elsewhere = |visit: &&&Visit<'_>| rule.at_practice && !facts.is_at(visit, context.responsible.practice);
    if let Some(visit) = anchor.visit.as_ref().filter(elsewhere) {
        let place = facts.place_of(visit);
        return Some(format!("“{}” is for visits at the practice, and this is at {place}.", rule.title));
    }
    let once = rule.once_in.filter(|_| is_new)?;
    let opens = once.opens(anchor.at, facts.zone);
    let ended = context.existing_of(&rule.id).into_iter().filter(|one| one.is_touched() && one.is_ended());
    let last = ended.map(|one| one.work.closed.unwrap_or_else(|| one.touched_at())).max().filter(|at| *at >= opens)?;
    let when = facts.say(last);
    Some(format!("“{}” is not owed: somebody ended it {when}, and it is asked once in {once}.", rule.title))
}

/// Why the work is not owed yet: the trigger lies ahead, or the rule waits whether it passes by itself.
fn too_early(
    context: &Context<'_>,
    rule: &TaskRule,
    anchor: &Anchor<'_, '_>,
    findings: &mut Findings,
) -> Option<String> {
    let horizon = context.now().saturating_add(CLOCK_SKEW).unwrap_or(Timestamp::MAX);
    let begins = match rule.wait {
        Some(wait) if wait.after(anchor.at) > context.now() => wait.after(anchor.at),
        _ if anchor.at > horizon => {
            if anchor.visit.is_some_and(|visit| context.is_news(visit.stored)) {
                findings.say(ahead_of_the_clock());
            }
            anchor.at
        }
        _ => return None,
    };
    findings.wake(begins);
    Some(format!("“{}” is not owed before {}.", rule.title, context.facts.say(begins)))
}

/// When work of a trigger is owed first, where that comes in quiet hours.
fn held(context: &Context<'_>, rule: &TaskRule, at: Timestamp) -> Option<Timestamp> {
    let begins = rule.wait.map_or(at, |wait| wait.after(at));
    opening(context, begins, rule.priority)
}

/// What becomes known in quiet hours waits for their end, whenever it happened.
fn in_quiet_hours(context: &Context<'_>, rule: &TaskRule, findings: &mut Findings) -> Option<String> {
    let opening = opening(context, context.now(), rule.priority)?;
    findings.wake(opening);
    Some(format!("“{}” is routine and waits over the quiet hours until {}.", rule.title, context.facts.say(opening)))
}

fn opening(context: &Context<'_>, at: Timestamp, priority: Priority) -> Option<Timestamp> {
    context.protocol.quiet_hours?.opening(at, priority, context.facts.zone)
}

/// Nobody could begin in quiet hours: minutes and hours count from when they end, days are those of the trigger.
fn counted_from(span: Deadline, at: Timestamp, held: Option<Timestamp>) -> Timestamp {
    held.filter(|_| matches!(span, Deadline::Minutes(_))).unwrap_or(at)
}

/// Work waits for the time that a sender stated; whoever looks after the feed knows whether it is meant.
fn ahead_of_the_clock() -> Problem {
    let text = "A visit is dated ahead of the clock, and what it is owed waits until then. Check the sender's clock and time zone.";
    let place = Place::Element("Encounter.period".to_string());
    Problem::warning(Category::Value, place, text).unused(Kind::Time, "visit ahead of the clock").owed_by(Duty::Feed)
}

/// A rule that asks for the same as another, with the names of its triggers.
struct Cover<'v> {
    rule: &'v TaskRule,
    anchors: BTreeSet<String>,
}

/// The rules above that may ask for the same.
fn covers<'v>(context: &Context<'v>, rule: &TaskRule) -> Vec<Cover<'v>> {
    let others = context.protocol.tasks.iter().filter(|other| rule.covered_by.contains(&other.id));
    let names = |other| anchors(context, other).into_iter().map(|anchor| anchor.name).collect();
    others.map(|other| Cover { rule: other, anchors: names(other) }).collect()
}

/// The rule above that asks for the same of the same trigger.
fn covering<'v>(context: &Context<'v>, covers: &[Cover<'v>], anchor: &Anchor<'_, '_>) -> Option<&'v TaskRule> {
    let asks = |cover: &&Cover<'_>| {
        cover.anchors.contains(&anchor.name) && context.facts.belongs(&cover.rule.who, anchor.at).0
    };
    covers.iter().find(asks).map(|cover| cover.rule)
}

fn outcome_of(context: &Context<'_>, rule: &TaskRule, anchor: &Anchor<'_, '_>) -> (Outcome, Sources) {
    let own = anchor.visit.map(|visit| visit.id);
    let first = |list: &[Evidence]| list.iter().find_map(|wanted| evidence::find(context, wanted, anchor.at, own));
    if let Some((found, sources)) = first(&rule.unless) {
        return (Outcome::Pointless(found), sources);
    }
    if let Some((found, sources)) = first(&rule.done_by) {
        return (Outcome::Done(found), sources);
    }
    (anchor.over.clone().map_or(Outcome::Open, Outcome::Over), Sources::new())
}

fn desire(
    context: &Context<'_>,
    rule: &TaskRule,
    owed: Owed<'_, '_>,
    (step, last_time): (usize, Option<&LastTime>),
) -> Desired {
    let Owed { anchor, existing, outcome, held, due, who_words, also, ended_by, lapsed: _ } = owed;
    let anchor = &anchor;
    let person = anchor.visit.map_or(context.facts.record.head.person, |visit| visit.id.person);
    let encounter = anchor.visit.map(|visit| format!("Encounter/{}", visit.id));
    let trigger = encounter.clone().or_else(|| anchor.about.clone());
    let words = why(context, rule, anchor, due, &who_words);
    if let Some(ended) = existing.filter(|existing| existing.is_touched() && existing.is_ended()) {
        // A person has ended it: it stays as it is.
        let work = Work::of(context.protocol, &rule.id, anchor.name.clone(), &rule.mark);
        let id = ResourceId::of(person, "Task", &work.key());
        let (resource, sources) = (ended.stored.resource.clone(), Sources::new());
        return Desired {
            work,
            outcome,
            id,
            resource,
            trigger,
            words,
            insists: false,
            sources,
            inputs: None,
            rests: None,
        };
    }
    let mut sources = told::of_task(context, rule, anchor, also.iter().map(|(name, _)| name.as_str()));
    sources.extend(ended_by);
    sources.extend(last_time.iter().flat_map(|last| last.sources.iter().cloned()));
    let mut work = Work::of(context.protocol, &rule.id, anchor.name.clone(), &rule.mark);
    work.step = step;
    let on = step.checked_sub(1).and_then(|last| rule.climb.get(last));
    let owner = on.map(|step| &step.owner).filter(|owner| !owner.is_empty()).unwrap_or(&rule.owner);
    let priority = on.and_then(|step| step.priority).unwrap_or(rule.priority);
    let mut description = rule.text.fill(&|place| match place {
        last_time::PLACE => last_time.map(|last| last.words.clone()).unwrap_or_default(),
        _ => fill(context, rule, anchor, due, place),
    });
    description.push_str(&together::words(&also));
    description.push_str(&attempts::words(rule, existing));
    if let Some(held) = held {
        description.push_str(&format!(" It came in quiet hours and is owed since {}.", context.facts.say(held)));
    }
    work.seen = also.into_iter().collect();
    let resource = build::task(
        context,
        TaskParts {
            rule: &rule.id,
            code: &rule.code,
            is_alert: false,
            title: &rule.title,
            description,
            words: &words,
            owner,
            priority,
            focus: trigger.clone(),
            encounter,
            authored: anchor.at,
            due,
        },
    );
    let id = ResourceId::of(person, "Task", &work.key());
    Desired { work, outcome, id, resource, trigger, words, insists: false, sources, inputs: None, rests: None }
}

/// How many steps of the chain have come due; frozen once a person has taken it on or it has ended.
fn climbed(context: &Context<'_>, rule: &TaskRule, one: &Owed<'_, '_>, findings: &mut Findings) -> usize {
    let (chain, from, existing) = (&rule.climb, one.anchor.at, one.existing);
    if existing.is_some_and(|existing| existing.is_touched() && existing.is_ended()) {
        // A person has ended it: it stays as it is.
        return existing.map_or(0, |existing| existing.work.step);
    }
    let is_held = existing.is_some_and(|existing| existing.is_acknowledged() || attempts::are_enough(rule, existing));
    if one.outcome != Outcome::Open || is_held {
        return existing.map_or(0, |existing| existing.work.step);
    }
    let (now, taken) = (context.now(), existing.map_or(0, |existing| existing.work.step));
    let comes = |(place, step): (usize, &Step)| {
        let at = step.after.after(counted_from(step.after, from, one.held));
        // What came while nobody looked is not made up for in quiet hours.
        let at = if at <= now && place >= taken { now } else { at };
        opening(context, at, step.priority.unwrap_or(rule.priority)).unwrap_or(at)
    };
    let all = || chain.iter().enumerate();
    // A routine step that waits for the morning holds no urgent one behind it back.
    let due = all().rfind(|step| comes(*step) <= now).map_or(0, |(place, _)| place + 1);
    let next = all().skip(due).map(comes).min();
    next.into_iter().for_each(|next| findings.wake(next));
    due
}
