//! A diagnosis that somebody has now, or has no more, as a trigger. Each visit may state it again: it counts once, unless a rule asks for
//! each by itself, as for what stands in somebody's way.

use jiff::Timestamp;

use crate::protocol::anchor::Anchor;
use crate::protocol::context::Context;
use crate::protocol::facts::{Facts, is_over};
use crate::protocol::model::{Becomes, ConditionTest};
use crate::protocol::reason::Certainty;
use crate::protocol::sources;
use crate::record::Stored;

pub fn anchors<'v, 'a>(context: &Context<'v>, test: &ConditionTest) -> Vec<Anchor<'v, 'a>>
where
    'v: 'a,
{
    let facts = context.facts;
    let of_codes = |stored: &&Stored| {
        test.certainty.contains(&Certainty::of(stored)) && facts.has_code(&test.codes, &stored.resource.codings("code"))
    };
    let all: Vec<&Stored> = facts.diagnoses().filter(of_codes).collect();
    let (over, active): (Vec<&Stored>, Vec<&Stored>) = all.iter().partition(|stored| is_over(stored));
    if test.each {
        let own = |stored: &Stored| Anchor { name: stored.id.to_string(), ..anchor(since(facts, stored), stored) };
        return active.into_iter().map(own).collect();
    }
    let found = match test.becomes {
        Becomes::Active => first(&active, &|stored| since(facts, stored)),
        Becomes::Resolved if active.is_empty() => last(&over, &|stored| until(facts, stored)),
        Becomes::Resolved => None,
    };
    found.into_iter().map(|(at, stored)| anchor(at, stored)).collect()
}

type When<'w> = &'w dyn Fn(&Stored) -> Timestamp;

fn first<'s>(of: &[&'s Stored], when: When<'_>) -> Option<(Timestamp, &'s Stored)> {
    of.iter().map(|stored| (when(stored), *stored)).min_by_key(|(at, stored)| (*at, stored.id))
}

fn last<'s>(of: &[&'s Stored], when: When<'_>) -> Option<(Timestamp, &'s Stored)> {
    of.iter().map(|stored| (when(stored), *stored)).max_by_key(|(at, stored)| (*at, stored.id))
}

/// The work has one name whichever statement is the first: an earlier one may become known later.
fn anchor<'v, 'a>(at: Timestamp, stored: &Stored) -> Anchor<'v, 'a> {
    Anchor {
        about: Some(format!("Condition/{}", stored.id)),
        detail: crate::fhir::concept_title(stored.resource.get("code")).unwrap_or("not stated").to_string(),
        told: sources::of([stored]),
        ..Anchor::at("first".to_string(), at)
    }
}

/// Since when it is known: when it was recorded, or the visit at which it was stated began.
fn since(facts: &Facts<'_>, stored: &Stored) -> Timestamp {
    let text = |element: &str| stored.resource.text(element).and_then(|text| facts.moment(text));
    let visit = || {
        let reference = stored.resource.reference("encounter")?.strip_prefix("Encounter/")?;
        // Nothing lost: what is no id of ours is no visit of this record.
        facts.visit(reference.parse().ok()?)?.start
    };
    text("recordedDate").or_else(visit).or_else(|| text("onsetDateTime")).unwrap_or(stored.updated)
}

fn until(facts: &Facts<'_>, stored: &Stored) -> Timestamp {
    let stated = stored.resource.text("abatementDateTime").and_then(|text| facts.moment(text));
    let told = || stored.state.stamps.get("clinicalStatus").map(|stamp| stamp.occurred);
    stated.or_else(told).unwrap_or(stored.updated)
}
