//! What in the record ends work: a visit in the window, a referral made. Says in words what it found.

use jiff::Timestamp;

use super::facts::Facts;
use super::model::Evidence;
use super::tasks::date_of;
use crate::identity::ResourceId;

/// The evidence found after a trigger, in words; `own` is the encounter that triggered, which never counts itself.
pub fn find(facts: &Facts<'_>, wanted: &Evidence, after: Timestamp, own: Option<ResourceId>) -> Option<String> {
    match wanted {
        Evidence::Encounter { test, within, .. } => {
            // An admission out of the emergency department begins before that visit is closed.
            let opens = own.and_then(|id| facts.visits.iter().find(|visit| visit.id == id)?.start).unwrap_or(after);
            let closes = within.map(|within| within.after(after));
            facts.visits.iter().find_map(|visit| {
                let start = visit.start?;
                let counts = Some(visit.id) != own
                    && visit.is_real()
                    && facts.fits(test, visit)
                    && start >= opens
                    && closes.is_none_or(|closes| start <= closes);
                counts.then(|| format!("{} at {} on {}", visit.words(), facts.place_of(visit), facts.say(start)))
            })
        }
        Evidence::Resource { resource_type, codes, within, .. } => {
            let closes = within.map(|within| within.after(after));
            facts.record.of_type(resource_type).find_map(|stored| {
                let resource = &stored.resource;
                let dead = matches!(
                    resource.text("status"),
                    Some("entered-in-error" | "revoked" | "not-done" | "cancelled" | "draft" | "stopped")
                );
                let at = facts.moment(date_of(resource)?)?;
                let element = if resource_type == "Appointment" { "serviceType" } else { "code" };
                let counts = !dead
                    && at >= after
                    && closes.is_none_or(|closes| at <= closes)
                    && facts.has_code(codes, &resource.codings(element));
                counts.then(|| format!("{resource_type} of {}", facts.say(at)))
            })
        }
    }
}
