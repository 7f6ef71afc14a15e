//! Who cares for a patient by name: a coach of their own, whom a CareTeam names (http://hl7.org/fhir/R4/careteam.html), before the one of the panel.

use jiff::Timestamp;
use serde_json::Value;

use super::facts::Facts;
use super::names;
use crate::fhir::{codings_of, concept_title, labels_of};
use crate::record::Stored;

/// Health and wellness coach in NUCC's taxonomy, by which US Core's teams name roles.
const COACH: (&str, &str) = ("http://nucc.org/provider-taxonomy", "171400000X");

/// The coach of the team that began last; none where no team names one now. A team with a label tells of what few may know, and is left aside.
pub fn coach(facts: &Facts<'_>) -> Option<String> {
    let is_team = |stored: &&Stored| {
        let is_active = matches!(stored.resource.text("status"), None | Some("active"));
        is_active && stored.state.superseded.is_none() && labels_of(&stored.resource).next().is_none()
    };
    let teams = facts.record.of_type("CareTeam").filter(is_team);
    let named = teams.flat_map(|stored| {
        let all = stored.resource.get("participant").and_then(Value::as_array).into_iter().flatten();
        all.filter_map(|one| Some((now_since(facts, one)?, stored.id, name(one)?)))
    });
    named.max().map(|(_, _, name)| name)
}

/// Since when somebody is of the team; none where it is over or has not begun.
fn now_since(facts: &Facts<'_>, participant: &Value) -> Option<Timestamp> {
    let end = |name: &str| facts.moment(participant.get("period")?.get(name)?.as_str()?);
    let start = end("start").unwrap_or(Timestamp::MIN);
    (start <= facts.now && end("end").is_none_or(|end| end > facts.now)).then_some(start)
}

/// How a participant is called who is a coach by one of their roles.
fn name(participant: &Value) -> Option<String> {
    let is_coach = |role: &Value| {
        let is_coded = |coding: &(&str, &str)| *coding == COACH || *coding == (names::ROLE, "coach");
        let says = |words: &str| words.to_lowercase().split(|c: char| !c.is_alphanumeric()).any(|word| word == "coach");
        codings_of(role).iter().any(is_coded) || concept_title(Some(role)).is_some_and(says)
    };
    let mut roles = participant.get("role").and_then(Value::as_array).into_iter().flatten();
    let name = participant.get("member")?.get("display")?.as_str()?.trim();
    (roles.any(is_coach) && !name.is_empty()).then(|| name.to_string())
}
