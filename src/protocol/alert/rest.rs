//! Alerts whose readings nobody changed stand as they did: hundreds of readings need not be judged again because a visit ended.

use std::hash::{DefaultHasher, Hash};

use super::gathered::watched_by;
use crate::protocol::context::{Context, Findings};
use crate::protocol::inputs::{Inputs, inputs_of, version_of};
use crate::protocol::memory::Rested;
use crate::protocol::names::REPEAT;
use crate::protocol::work::follow;

/// A hash of all that the alerts of a protocol go by; none where a rule asks what may change by itself.
pub fn inputs(context: &Context<'_>) -> Option<Inputs> {
    let (protocol, facts) = (context.protocol, context.facts);
    if protocol.alerts.iter().any(|rule| rule.filter.is_some()) {
        return None;
    }
    let resources = &facts.record.resources;
    let belongs = |hasher: &mut DefaultHasher| {
        for rule in &protocol.alerts {
            let people = [&rule.who].into_iter().chain(rule.instead.iter().map(|(who, _, _)| who));
            for who in people {
                (facts.belongs(who, context.now()), facts.next_birthday(who)).hash(hasher);
                facts.next_week_of(who.pregnant, who.weeks).hash(hasher);
                facts.conditions_of(who).iter().for_each(|stored| version_of(stored, hasher));
                let pregnancy = who.asks_pregnancy().then(|| facts.pregnancy(context.now())).flatten();
                pregnancy.iter().flat_map(|one| &one.by).for_each(|stored| version_of(stored, hasher));
            }
        }
        facts.conditions_of(&protocol.who).iter().for_each(|stored| version_of(stored, hasher));
    };
    let readings = |hasher: &mut DefaultHasher| {
        for stored in protocol.alerts.iter().flat_map(|rule| watched_by(facts, rule)) {
            version_of(stored, hasher);
            stored.state.superseded.hash(hasher);
        }
    };
    let places = |hasher: &mut DefaultHasher| {
        for visit in resources.observed_in().filter_map(|visit| visit.strip_prefix("Encounter/")) {
            // Nothing lost: what is no id of ours is no visit of this record.
            let stored = follow(facts.record, visit).parse().ok().and_then(|id| facts.record.get("Encounter", id));
            stored.into_iter().for_each(|stored| version_of(stored, hasher));
        }
    };
    Some(inputs_of(&[
        &|hasher| (resources.digest("Goal"), facts.record.truncated).hash(hasher),
        &readings,
        &belongs,
        &places,
        &|hasher| rules(context).flat_map(|rule| context.existing_of(rule)).for_each(|existing| existing.hash(hasher)),
    ]))
}

fn rules<'c>(context: &Context<'c>) -> impl Iterator<Item = &'c str> {
    context.protocol.alerts.iter().map(|rule| rule.id.as_str()).chain([REPEAT])
}

/// Whether the answer of the last look stands; then it is told and asked for again.
pub fn stands(context: &Context<'_>, inputs: Option<Inputs>, findings: &mut Findings) -> bool {
    let rested = findings.memory.rested(&context.protocol.name);
    let now = context.now();
    let is_over = |rested: &Rested| rested.at == now || rested.wake.is_some_and(|at| at <= now);
    let is_same = |rested: &&Rested| Some(rested.inputs) == inputs && !is_over(rested);
    let Some(rested) = rested.filter(is_same) else { return false };
    let asked = rested.asked.iter().filter_map(|key| findings.memory.standing(key, rested.inputs));
    let asked: Vec<_> = asked.map(|standing| (**standing).clone()).collect();
    if asked.len() != rested.asked.len() {
        return false;
    }
    let (lines, wake) = (rested.lines.clone(), rested.wake);
    findings.desired.extend(asked);
    findings.decisions.extend(lines);
    wake.into_iter().for_each(|at| findings.wake(at));
    // What nobody owes any more was ended at the last look, or stays.
    let works = rules(context).flat_map(|rule| context.existing_of(rule));
    findings.kept.extend(works.map(|existing| existing.work.key()));
    true
}

/// Remembers what was found: lines and work from these places on.
pub fn remember(
    context: &Context<'_>,
    inputs: Option<Inputs>,
    (lines, asked): (usize, usize),
    findings: &mut Findings,
) {
    // Nothing lost: what may change by itself is judged each time.
    let Some(inputs) = inputs else { return };
    let own = findings.desired.iter_mut().skip(asked);
    let keys = own.map(|desired| {
        desired.inputs = Some(inputs);
        desired.work.key()
    });
    let asked = keys.collect();
    let lines = findings.decisions.iter().skip(lines).cloned().collect();
    let rested = Rested { inputs, at: context.now(), wake: findings.wake, lines, asked };
    findings.memory.rest(&context.protocol.name, rested);
}
