//! Readings that stay away: the last one of some codes triggers, and the next one ends what was asked. Who never had one is
//! not waited for: nobody knows that they were to measure.

use jiff::Timestamp;

use crate::protocol::alert::{counts, taken_at};
use crate::protocol::anchor::Anchor;
use crate::protocol::codes::Codes;
use crate::protocol::context::Context;
use crate::protocol::deadline::CLOCK_SKEW;
use crate::protocol::model::TaskRule;
use crate::protocol::sources;
use crate::record::Stored;

pub fn anchors<'v, 'a>(context: &Context<'v>, rule: &TaskRule, codes: &Codes) -> Vec<Anchor<'v, 'a>>
where
    'v: 'a,
{
    let facts = context.facts;
    let horizon = context.now().saturating_add(CLOCK_SKEW).unwrap_or(Timestamp::MAX);
    let observations = facts.observed_as(|coding| facts.has_code(codes, coding)).filter(|stored| counts(stored));
    let mut taken: Vec<(Timestamp, &Stored)> =
        observations.filter_map(|stored| Some((taken_at(facts, stored)?, stored))).collect();
    // What is dated ahead of the clock has not been taken yet.
    // Nothing lost: it counts once its time has come.
    taken.retain(|(at, _)| *at <= horizon);
    taken.sort_by_key(|(at, stored)| (*at, stored.id));
    let last = taken.last().map(|(_, stored)| stored.id);
    let asked =
        |stored: &Stored| Some(stored.id) == last || context.existing_at(&rule.id, &stored.id.to_string()).is_some();
    let mut found = Vec::new();
    for (place, (at, stored)) in taken.iter().enumerate() {
        if !asked(stored) {
            // Nothing lost: another reading came after it before anybody asked.
            continue;
        }
        let next = taken.get(place + 1).map(|(next, _)| format!("measured again {}", facts.say(*next)));
        let mut anchor = Anchor::at(stored.id.to_string(), *at);
        anchor.over = next;
        anchor.about = Some(format!("Observation/{}", stored.id));
        anchor.told = sources::of([*stored]);
        found.push(anchor);
    }
    found
}
