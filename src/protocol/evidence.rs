//! What in the record ends work: a visit in the window, a referral made. Says in words what it found.

use jiff::Timestamp;
use serde_json::Value;

use super::codes::Codes;
use super::context::Context;
use super::deadline::Deadline;
use super::facts::Facts;
use super::model::{Evidence, Silencer, Window};
use super::sources::{self, Sources};
use super::visit::Visit;
use crate::fhir::Resource;
use crate::identity::ResourceId;
use crate::record::Stored;

/// The evidence found after a trigger, in words, and what it is; `own` is the encounter that triggered, which never counts itself.
pub fn find(
    context: &Context<'_>,
    wanted: &Evidence,
    after: Timestamp,
    own: Option<ResourceId>,
) -> Option<(String, Sources)> {
    let facts = context.facts;
    match wanted {
        Evidence::Encounter { test, window } => {
            let trigger = own.and_then(|id| facts.visit(id));
            // An admission out of the emergency department begins before that visit is closed.
            let opens = trigger.and_then(|visit| visit.start).unwrap_or(after);
            facts.fitting(test).since(opening(context, window, after, opens)).find_map(|visit| {
                let start = visit.start?;
                let counts = Some(visit.id) != own
                    && visit.is_real()
                    && is_in(context, window, after, opens, start)
                    && (!test.seen || was_seen(context, visit, trigger));
                let words = || format!("{} at {} on {}", visit.words(), facts.place_of(visit), facts.say(start));
                counts.then(|| (words(), facts.told_by(visit, test)))
            })
        }
        Evidence::Resource { resource_type, codes, window } => facts.record.of_type(resource_type).find_map(|stored| {
            let resource = &stored.resource;
            let at = facts.moment(date_of(resource)?)?;
            let counts = is_in(context, window, after, after, at) && is_such(facts, resource, codes);
            counts.then(|| (format!("{resource_type} of {}", facts.say(at)), sources::of([stored])))
        }),
    }
}

/// The newest resource with such a code, and when it was.
pub fn newest<'a>(facts: &Facts<'a>, wanted: &Silencer) -> Option<(Timestamp, &'a Stored)> {
    let dated = facts.record.of_type(wanted.resource_type).filter_map(|stored| {
        let is_such = is_such(facts, &stored.resource, &wanted.codes);
        Some((facts.moment(date_of(&stored.resource).filter(|_| is_such)?)?, stored))
    });
    dated.filter(|(at, _)| *at <= facts.now).max_by_key(|(at, stored)| (*at, stored.id))
}

/// It has such a code, and took place or is under way.
fn is_such(facts: &Facts<'_>, resource: &Resource, codes: &Codes) -> bool {
    let status = resource.text("status");
    let is_dead = match resource.resource_type() {
        "DocumentReference" => status != Some("current"),
        _ => matches!(
            status,
            Some("entered-in-error" | "revoked" | "not-done" | "cancelled" | "draft" | "stopped" | "noshow")
        ),
    };
    let element = match resource.resource_type() {
        "Appointment" => "serviceType",
        "Immunization" => "vaccineCode",
        "DocumentReference" => "type",
        _ => "code",
    };
    !is_dead && facts.has_code(codes, &resource.codings(element))
}

fn opening(context: &Context<'_>, window: &Window, after: Timestamp, opens: Timestamp) -> Timestamp {
    if let Some(before) = window.before {
        return before.opens(after, context.facts.zone);
    }
    window.from.map_or(opens, |from| from.after(after))
}

/// A window of days ends with its last day, as a due date does: the hour of a discharge says nothing about care.
fn is_in(context: &Context<'_>, window: &Window, after: Timestamp, opens: Timestamp, at: Timestamp) -> bool {
    let opens = opening(context, window, after, opens);
    let closes = window.within.map(|within| match within {
        Deadline::Minutes(_) => within.after(after),
        Deadline::Days(_) | Deadline::BusinessDays(_) => within.due(after, context.working()),
    });
    let closes = closes.or(window.before.map(|_| after));
    at >= opens && closes.is_none_or(|closes| at <= closes)
}

fn was_seen(context: &Context<'_>, visit: &Visit<'_>, trigger: Option<&Visit<'_>>) -> bool {
    let elsewhere = trigger.is_some_and(|trigger| context.facts.place_of(trigger) != context.facts.place_of(visit));
    elsewhere || visit.has_attender()
}

/// The first of a resource's dates that says when it took place.
fn date_of(resource: &Resource) -> Option<&str> {
    let period = |element: &str| resource.get(element).and_then(|period: &Value| period.get("start")?.as_str());
    [
        "performedDateTime",
        "effectiveDateTime",
        "effectiveInstant",
        "occurrenceDateTime",
        "authoredOn",
        "start",
        "created",
    ]
    .iter()
    .find_map(|element| resource.text(element))
    .or_else(|| period("performedPeriod"))
    .or_else(|| period("effectivePeriod"))
    .or_else(|| resource.text("issued").or_else(|| resource.text("date")))
    .or_else(|| period("occurrencePeriod"))
}
