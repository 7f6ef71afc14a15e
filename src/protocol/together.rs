//! Several triggers of one rule that are open at once are one piece of work (`together: true`): the first of them carries it,
//! names the others, and is due when the first of them is due. The same in whatever order they become known.

use std::collections::{BTreeSet, HashMap};

use super::anchor::Anchor;
use super::context::Context;
use super::model::TaskRule;
use super::owed::Owed;
use super::work::{Existing, Outcome};

/// So many others are named in a text; the rest are counted.
const MOST_NAMED: usize = 10;

/// Leaves one carrier open (and of those that one thing did, one done); the others point at it.
pub fn unite(context: &Context<'_>, rule: &TaskRule, owed: &mut [Owed<'_, '_>]) {
    let is_closed = |existing: &Existing<'_>| existing.is_touched() && existing.is_ended();
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
