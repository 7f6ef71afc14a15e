//! The patient's goals (http://hl7.org/fhir/R4/goal.html): in their own words and order, with what the words mean to the team, who does
//! what, and how it goes.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::fhir::{items, list, moment, text, title};
use crate::console::when;
use crate::pipeline::{PROGRESS, TRANSLATION};
use crate::record::{Record, Stored};

/// One goal.
pub(crate) struct Goal {
    pub id: String,
    pub words: String,
    /// The language of the words, where it is stated.
    pub language: String,
    pub meaning: String,
    pub rank: String,
    pub progress: &'static str,
    pub chip: &'static str,
    pub patient_part: String,
    pub team_part: String,
    pub since: String,
    /// Numbers to reach: `Body weight: at most 167 lb`.
    pub targets: Vec<String>,
}

/// Goals that are not over, in the patient's order; those without one after them, oldest first.
pub(super) fn goals(record: &Record, now: Timestamp, zone: &TimeZone) -> Vec<Goal> {
    let is_open = |stored: &&Stored| {
        let status = stored.resource.text("lifecycleStatus").unwrap_or_default();
        stored.state.superseded.is_none()
            && !matches!(status, "cancelled" | "entered-in-error" | "rejected" | "completed")
    };
    let mut open: Vec<&Stored> = record.of_type("Goal").filter(is_open).collect();
    open.sort_by_key(|stored| (rank(stored).unwrap_or(u32::MAX), since(stored), stored.id));
    open.into_iter().map(|stored| goal(stored, now, zone)).collect()
}

fn since(stored: &Stored) -> String {
    stored.resource.text("startDate").unwrap_or_default().to_string()
}

/// The patient's own order is the text of the priority.
fn rank(stored: &Stored) -> Option<u32> {
    stored.resource.get("priority")?.get("text")?.as_str()?.parse().ok()
}

fn goal(stored: &Stored, now: Timestamp, zone: &TimeZone) -> Goal {
    let resource = &stored.resource;
    let meaning = resource.get("description").and_then(|description| {
        let extensions = list(description.get("_text")?, "extension").find(|one| text(one, "url") == TRANSLATION)?;
        let content = list(extensions, "extension").find(|one| text(one, "url") == "content")?;
        Some(text(content, "valueString"))
    });
    let code = resource.codings("achievementStatus").first().map(|(_, code)| (*code).to_string()).unwrap_or_default();
    let known = PROGRESS.iter().find(|(known, _, _)| *known == code);
    let started = resource.text("startDate").and_then(|date| moment(date, zone));
    let notes = |is_patient: bool| {
        let of = |note: &&Value| (note.pointer("/authorReference/reference").is_some()) == is_patient;
        let last = items(resource, "note").filter(of).last();
        last.map(|note| text(note, "text")).unwrap_or_default()
    };
    Goal {
        id: stored.id.to_string(),
        words: resource
            .get("description")
            .map(|one| text(one, "text"))
            .filter(|words| !words.is_empty())
            .unwrap_or_else(|| title(resource.get("description"))),
        language: resource.text("language").unwrap_or_default().to_string(),
        meaning: meaning.unwrap_or_default(),
        rank: rank(stored).map(|rank| rank.to_string()).unwrap_or_default(),
        progress: known.map_or("Not started", |(_, words, _)| words),
        chip: known.map_or("tag", |(_, _, chip)| chip),
        patient_part: notes(true),
        team_part: notes(false),
        since: started.map(|at| when::day(when::date_in(at, zone), when::date_in(now, zone))).unwrap_or_default(),
        targets: items(resource, "target").filter_map(target).collect(),
    }
}

/// `Body weight: at most 167 lb`.
fn target(target: &Value) -> Option<String> {
    let measure = title(target.get("measure"));
    let amount = |quantity: &Value| {
        let unit =
            Some(text(quantity, "unit")).filter(|unit| !unit.is_empty()).unwrap_or_else(|| text(quantity, "code"));
        Some(format!("{} {unit}", quantity.get("value")?).trim().to_string())
    };
    let range = target.get("detailRange").map(|range| {
        let ends = ["low", "high"].into_iter().filter_map(|end| amount(range.get(end)?));
        ends.collect::<Vec<_>>().join(" to ")
    });
    let quantity = target.get("detailQuantity").and_then(|quantity| {
        let word = match text(quantity, "comparator").as_str() {
            ">" | ">=" => "at least",
            _ => "at most",
        };
        Some(format!("{word} {}", amount(quantity)?))
    });
    let words = range.or(quantity).or_else(|| target.get("detailString")?.as_str().map(str::to_string))?;
    Some(if measure.is_empty() { words } else { format!("{measure}: {words}") })
}
