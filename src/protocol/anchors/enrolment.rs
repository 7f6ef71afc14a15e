//! Being enrolled in a programme as a trigger, once or again and again: a contact every week is owed every week.

use jiff::{SignedDuration, Timestamp};

use crate::protocol::anchor::Anchor;
use crate::protocol::context::Context;
use crate::protocol::deadline::Deadline;
use crate::protocol::model::TaskRule;
use crate::protocol::sources;
use crate::protocol::who::Enrolment;
use crate::record::Stored;

pub fn anchors<'v, 'a>(
    context: &Context<'v>,
    rule: &TaskRule,
    (enrolment, every): (&Enrolment, Option<Deadline>),
) -> Vec<Anchor<'v, 'a>>
where
    'v: 'a,
{
    let facts = context.facts;
    let mut found = Vec::new();
    for episode in facts.enrolments(enrolment) {
        let stated = episode.resource.get("period").and_then(|period| facts.moment(period.get("start")?.as_str()?));
        let start = stated.unwrap_or(episode.updated);
        let Some(every) = every else {
            found.push(of(episode, episode.id.to_string(), start));
            // Nothing lost: it is asked for once.
            continue;
        };
        let turns = turns(start, every, context.now());
        let own = format!("{}:", episode.id);
        let asked = context.existing_of(&rule.id).into_iter().filter_map(|existing| {
            // Nothing lost: work of another episode is of that one.
            existing.work.anchor.strip_prefix(&own)?.parse::<u32>().ok()
        });
        let mut wanted: Vec<u32> = asked.chain([turns, turns + 1]).collect();
        wanted.sort_unstable();
        wanted.dedup();
        for turn in wanted {
            if let Some(at) = turn_at(start, every, turn) {
                found.push(of(episode, format!("{own}{turn}"), at));
            }
        }
    }
    found
}

fn of<'v, 'a>(episode: &Stored, name: String, at: Timestamp) -> Anchor<'v, 'a> {
    Anchor {
        about: Some(format!("EpisodeOfCare/{}", episode.id)),
        told: sources::of([episode]),
        ..Anchor::at(name, at)
    }
}

/// How many whole turns have passed.
fn turns(start: Timestamp, every: Deadline, now: Timestamp) -> u32 {
    let length = every.after(start).duration_since(start).as_secs().max(1);
    let passed = now.duration_since(start).as_secs().max(0);
    // Nothing lost: so many turns are no life.
    u32::try_from(passed / length).unwrap_or(u32::MAX - 1)
}

fn turn_at(start: Timestamp, every: Deadline, turn: u32) -> Option<Timestamp> {
    let length = every.after(start).duration_since(start).as_secs();
    // Nothing lost: a turn beyond the calendar's end never comes.
    start.checked_add(SignedDuration::from_secs(length.checked_mul(i64::from(turn))?)).ok()
}
