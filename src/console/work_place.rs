//! Where work is looked at, and how people get back there: of which practice, in whose hands, and in which part of the list; all counts are the store's.

use jiff::{Timestamp, ToSpan, tz::TimeZone};

use super::fault::Fault;
use super::session::Person;
use super::{Console, own, page};
use crate::identity::ResourceId;
use crate::pipeline::owner;
use crate::protocol::PERSON;
use crate::site::{Panels, Site};
use crate::store::{Urgency, WorkCounts, WorkFilter, WorkPlace};

/// The parts, in the order in which people do them.
pub(super) const PARTS: [(&str, &str); 4] =
    [("now", "Answer now"), ("late", "Overdue"), ("today", "Due today"), ("later", "Later")];

/// Whose work is looked at.
pub(super) struct Place {
    pub panel: String,
    pub zone: TimeZone,
    /// How the store names the practice; none for all practices.
    pub practice: Option<String>,
}

impl Place {
    /// The practice asked for, else the first of the person's panels; all where all are theirs.
    pub(super) fn of(site: &Site, person: &Person, asked: &str) -> Result<Self, Fault> {
        let chosen = match (&person.panels, asked) {
            (Panels::Of(names), "") => names.first().cloned().unwrap_or_default(),
            _ => asked.to_string(),
        };
        let panel = site.panels.get(&chosen).filter(|panel| person.panels.holds(&panel.name));
        if panel.is_none() && !chosen.is_empty() {
            // An empty list would say that nothing is owed.
            return Err(Fault::NotHere(
                "There is no such panel, or it is none of yours. Choose one from the list.".to_string(),
            ));
        }
        Ok(Self {
            zone: panel.map_or_else(|| page::zone_of(site), |panel| panel.practice.zone.clone()),
            practice: panel.map(|panel| owner(&panel.practice)),
            panel: chosen,
        })
    }

    /// The name of a list in the store.
    pub(super) fn list(&self, whose: &str, person: &Person) -> Option<String> {
        match whose {
            "mine" => Some(format!("{PERSON}|{}", person.holder().id)),
            "free" => Some(WorkPlace::nobodys(self.practice.as_deref())),
            "snoozed" => Some(WorkPlace::snoozed(self.practice.as_deref())),
            _ => self.practice.clone(),
        }
    }
}

/// Which of a list stands in a part.
pub(super) fn filter(list: Option<String>, part: &str, now: Timestamp, midnight: Timestamp) -> WorkFilter {
    let filter = WorkFilter { owner: list, ..WorkFilter::default() };
    match part {
        "now" => WorkFilter { pressing: Some(true), ..filter },
        "late" => WorkFilter { pressing: Some(false), due_before: Some(now), ..filter },
        "today" => WorkFilter { pressing: Some(false), due_from: Some(now), due_before: Some(midnight), ..filter },
        _ => WorkFilter { pressing: Some(false), due_from: Some(midnight), ..filter },
    }
}

/// The end of the day in a zone, and of what is due by it: the store knows a due date as the second after the one it names.
pub(super) fn midnight(now: Timestamp, zone: &TimeZone) -> Timestamp {
    let tomorrow = now.to_zoned(zone.clone()).date().saturating_add(1.day());
    let start = tomorrow.to_zoned(zone.clone()).map(|zoned| zoned.timestamp());
    let end = start.ok().and_then(|start| start.checked_add(2.seconds()).ok());
    end.unwrap_or(now)
}

/// How much is in each part: what is late now, and what will be at midnight.
pub(super) fn sums(now: &WorkCounts, midnight: &WorkCounts) -> [u64; 4] {
    let pressing =
        Urgency::ALL.into_iter().filter(|urgency| urgency.is_pressing()).map(|urgency| now.of(urgency)).sum();
    let rest = |of: fn(&WorkCounts, Urgency) -> u64, counts: &WorkCounts| -> u64 {
        Urgency::ALL.into_iter().filter(|urgency| !urgency.is_pressing()).map(|urgency| of(counts, urgency)).sum()
    };
    let late = rest(WorkCounts::late_of, now);
    let by_midnight = rest(WorkCounts::late_of, midnight);
    let open = rest(WorkCounts::of, now);
    [pressing, late, by_midnight.saturating_sub(late), open.saturating_sub(by_midnight)]
}

/// Where the person was, with what was done.
pub(super) fn way_back(back: &str, done: &str) -> String {
    let is_ours = back.starts_with("/console/work") || back.starts_with("/console/patients/");
    let back = if is_ours && back.bytes().all(|byte| byte.is_ascii_graphic()) { back } else { "/console/work" };
    let sign = if back.contains('?') { '&' } else { '?' };
    format!("{back}{sign}done={done}")
}

/// By which a person knows a Task again: whom it is about is on the page that they came from.
pub(super) async fn title(console: &Console, person: &Person, id: &str) -> Result<String, Fault> {
    let Ok(id) = id.parse::<ResourceId>() else { return Ok("A task".to_string()) };
    let stored = console.gateway.store.resource("Task", id).await?.filter(|stored| own::may_see(person, stored));
    let title = stored.as_ref().and_then(|stored| crate::fhir::concept_title(stored.resource.get("code")));
    Ok(title.unwrap_or("A task").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_back_to_where_one_was_and_nowhere_else() {
        let back = |to: &str| way_back(to, "claim");
        assert_eq!(
            back("/console/work?panel=lakeside&whose=free"),
            "/console/work?panel=lakeside&whose=free&done=claim"
        );
        assert_eq!(back("/console/patients/x"), "/console/patients/x?done=claim");
        for other in ["", "//evil.example", "https://evil.example/console/work", "/console/work\r\nx: y"] {
            assert_eq!(back(other), "/console/work?done=claim", "{other}");
        }
    }

    #[test]
    fn every_open_task_is_counted_in_one_part() {
        let now = WorkCounts { open: [2, 3, 10, 20], late: [1, 0, 4, 5] };
        let midnight = WorkCounts { open: [2, 3, 10, 20], late: [2, 1, 6, 9] };
        let parts = sums(&now, &midnight);
        assert_eq!(parts, [5, 9, 6, 15]);
        assert_eq!(parts.iter().sum::<u64>(), now.total());
    }

    #[test]
    fn what_is_due_at_the_end_of_today_is_due_today() {
        let zone = TimeZone::get("America/New_York").unwrap();
        let now: Timestamp = "2026-11-25T08:12:00-05:00".parse().unwrap();
        // A date alone ends with its last second; the first moment that is late is the next day's first.
        let end = midnight(now, &zone);
        assert_eq!(end.to_string(), "2026-11-26T05:00:02Z");
        let parts = ["now", "late", "today", "later"].map(|part| filter(None, part, now, end));
        assert_eq!((parts[1].due_before, parts[2].due_from), (Some(now), Some(now)));
        assert_eq!(parts[2].due_before, parts[3].due_from);
    }
}
