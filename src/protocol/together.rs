//! Several triggers of one rule that are open at once are one piece of work (`together: true`): the first of them carries it,
//! names the others, and is due when the first of them is due. The same in whatever order they become known.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use super::anchor::Anchor;
use super::context::Context;
use super::model::TaskRule;
use super::owed::Owed;
use super::sources::Sources;
use super::work::{Existing, Outcome};

/// So many others are named in a text; the rest are counted.
const MOST_NAMED: usize = 10;

/// The triggers that work of a rule names: they are no news, however long ago they came.
pub fn named<'c>(context: &Context<'c>, rule: &TaskRule) -> BTreeSet<&'c str> {
    let works = if rule.together { context.existing_of(&rule.id) } else { Vec::new() };
    works.into_iter().flat_map(|existing| existing.work.seen.keys().map(String::as_str)).collect()
}

/// Leaves one carrier open (and of those that one thing did, one done); the others point at it.
pub fn unite(context: &Context<'_>, rule: &TaskRule, owed: &mut [Owed<'_, '_>]) {
    // Who ended work by hand has answered every trigger that it named then.
    let answered: BTreeSet<String> = context
        .existing_of(&rule.id)
        .into_iter()
        .filter(|existing| is_closed(existing))
        .flat_map(|existing| existing.work.seen.keys().cloned())
        .collect();
    for one in owed.iter_mut() {
        let is_own = one.existing.is_some_and(is_closed);
        if one.outcome == Outcome::Open && !is_own && answered.contains(&one.anchor.name) {
            one.outcome = Outcome::Pointless("a person closed the work that named it".to_string());
        }
    }
    carry_on(owed);
    let mut groups: Vec<Vec<&mut Owed<'_, '_>>> = Vec::new();
    let mut places: HashMap<Outcome, usize> = HashMap::new();
    let is_one = |one: &&mut Owed<'_, '_>| {
        matches!(one.outcome, Outcome::Open | Outcome::Done(_)) && !one.existing.is_some_and(is_closed)
    };
    for one in owed.iter_mut().filter(is_one) {
        let place = *places.entry(one.outcome.clone()).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
    }
    for mut group in groups {
        // What a person has taken on carries the rest; otherwise the first.
        let is_touched = |one: &Owed<'_, '_>| one.existing.is_some_and(Existing::is_touched);
        group.sort_by_key(|one| (!is_touched(one), one.anchor.at, one.anchor.name.clone()));
        // Nothing lost: a group has at least one.
        let Some((carrier, others)) = group.split_first_mut() else { continue };
        let reason = format!("one piece of work is for all: the one after {}", words_of(context, &carrier.anchor));
        for other in others.iter_mut().filter(|other| !is_touched(other)) {
            carrier.also.push((other.anchor.name.clone(), words_of(context, &other.anchor)));
            carrier.due = carrier.due.into_iter().chain(other.due).min();
            other.outcome = Outcome::Pointless(reason.clone());
        }
    }
}

/// A person ended it.
fn is_closed(existing: &Existing<'_>) -> bool {
    existing.is_touched() && existing.is_ended()
}

/// Shared work lasts as long as what came last while it was open: to end it with the first of its triggers would make work anew for the
/// others that is overdue when it comes. And what did it after the last of them did it after all: nobody is asked for the first alone.
fn carry_on(owed: &mut [Owed<'_, '_>]) {
    let is_part = |one: &&mut Owed<'_, '_>| {
        let is_one = matches!(one.outcome, Outcome::Open | Outcome::Done(_)) || one.lapsed.is_some();
        is_one && !one.existing.is_some_and(is_closed)
    };
    let mut in_order: Vec<&mut Owed<'_, '_>> = owed.iter_mut().filter(is_part).collect();
    in_order.sort_by(|left, right| (left.anchor.at, &left.anchor.name).cmp(&(right.anchor.at, &right.anchor.name)));
    let mut next = None;
    let mut done: Option<Ending> = None;
    for one in in_order.into_iter().rev() {
        let is_done = matches!(one.outcome, Outcome::Done(_));
        let came_within = |came: Timestamp| one.lapsed.is_none_or(|end| came < end);
        if let Some(ending) =
            done.as_ref().filter(|ending| !is_done && ending.began >= began(one) && came_within(ending.came))
        {
            one.outcome = ending.outcome.clone();
            one.ended_by = ending.by.clone();
        } else if one.lapsed.is_some() && next.is_some_and(came_within) {
            one.outcome = Outcome::Open;
        }
        match one.outcome {
            Outcome::Done(_) => {
                let (outcome, by) = (one.outcome.clone(), one.ended_by.clone());
                done = Some(Ending { began: began(one), came: one.anchor.at, outcome, by });
            }
            // What a person has taken on for itself is no part of another.
            Outcome::Open if !one.existing.is_some_and(Existing::is_touched) => next = Some(one.anchor.at),
            // Nothing lost: what lapsed, or a person has for itself, ends no other and holds none open.
            _ => {}
        }
    }
}

/// What did the work of a later trigger.
struct Ending {
    began: Timestamp,
    came: Timestamp,
    outcome: Outcome,
    by: Sources,
}

/// What did the work of a visit may have come while it lasted, and before another visit within it.
fn began(one: &Owed<'_, '_>) -> Timestamp {
    one.anchor.visit.and_then(|visit| visit.start).unwrap_or(one.anchor.at)
}

fn words_of(context: &Context<'_>, anchor: &Anchor<'_, '_>) -> String {
    let when = context.facts.say(anchor.at);
    let Some(visit) = anchor.visit else { return when };
    let reason = visit.reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
    format!("{} at {}, {when}{reason}", visit.words(), context.facts.place_of(visit))
}

/// What a text says of the other triggers; nothing where there are none.
pub fn words(also: &[(String, String)]) -> String {
    if also.is_empty() {
        return String::new();
    }
    // Nothing lost: the words say how many more there are.
    let named: Vec<&str> = also.iter().take(MOST_NAMED).map(|(_, words)| words.as_str()).collect();
    // Nothing lost: the words say how many more there are.
    let more = also.len().saturating_sub(MOST_NAMED);
    let more = if more == 0 { String::new() } else { format!("; and {more} more") };
    format!(" This is about {} visits; also: {}{more}.", also.len() + 1, named.join("; "))
}
