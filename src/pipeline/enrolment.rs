//! What a person says about a programme, and the EpisodeOfCare and CareTeam that it makes of those before
//! (http://hl7.org/fhir/R4/episodeofcare.html, careteam.html).

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::fhir::{Resource, ValueSets};
use crate::identity::{PersonId, ResourceId};
use crate::protocol::{Holder, PERSON, ROLE, STATUS_REASON, Standing};

/// What is done about a programme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnrolStep {
    Offer,
    Enrol,
    Decline,
    /// Another level or lead.
    Change,
    Graduate,
    /// It ended otherwise.
    Leave,
    /// It never was.
    Mistake,
}

impl EnrolStep {
    pub const WORDS: [(&'static str, Self); 7] = [
        ("offer", Self::Offer),
        ("enrol", Self::Enrol),
        ("decline", Self::Decline),
        ("change", Self::Change),
        ("graduate", Self::Graduate),
        ("leave", Self::Leave),
        ("mistake", Self::Mistake),
    ];

    /// The status that it leads to; none stays as it is.
    pub(super) fn status(self) -> Option<&'static str> {
        match self {
            Self::Offer => Some("planned"),
            Self::Enrol => Some("active"),
            Self::Decline => Some("cancelled"),
            Self::Change => None,
            Self::Graduate | Self::Leave => Some("finished"),
            Self::Mistake => Some("entered-in-error"),
        }
    }

    pub(super) fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, step)| *step == self).map_or("", |(word, _)| word)
    }
}

/// What a person says.
#[derive(Debug, Clone)]
pub struct EnrolWord {
    /// The protocol's name.
    pub programme: String,
    pub step: EnrolStep,
    /// A place among the programme's levels.
    pub level: Option<usize>,
    pub lead: Option<Holder>,
    pub why: String,
    /// What tells this form from the same sent anew.
    pub once: String,
    /// Whether what only few may know is for whoever says it; what is not is not there for them.
    pub sees_few: bool,
}

pub(super) fn episode(
    standing: &Standing,
    word: &EnrolWord,
    before: Option<&Resource>,
    (person, now): (PersonId, Timestamp),
) -> Resource {
    let mut episode = Resource::new("EpisodeOfCare");
    let started = standing.now.as_ref().map_or(now, |episode| episode.since);
    // Who is enrolled is so from now on, however long ago it was offered.
    let start = if word.step == EnrolStep::Enrol { now } else { started };
    if before.is_none() {
        episode.set("patient", json!({ "reference": format!("Patient/{}", ResourceId::patient(person)) }));
    }
    if let Some(status) = word.step.status() {
        let mut period = json!({ "start": start.to_string() });
        if !matches!(status, "planned" | "active")
            && let Some(period) = period.as_object_mut()
        {
            period.insert("end".to_string(), json!(now.to_string()));
        }
        episode.set("status", json!(status));
        episode.set("period", period);
        if let Some(was) = before.and_then(|before| before.text("status")) {
            let mut history = before.and_then(|one| one.get("statusHistory")?.as_array().cloned()).unwrap_or_default();
            let mut past = json!({ "status": was });
            if let Some(past) = past.as_object_mut() {
                past.insert("period".into(), json!({ "start": started.to_string(), "end": now.to_string() }));
                // Why it was so is no reason for what it is now.
                let why = before.into_iter().flat_map(reasons).cloned().collect::<Vec<_>>();
                past.extend((!why.is_empty()).then(|| ("extension".into(), Value::Array(why))));
            }
            history.push(past);
            episode.set("statusHistory", Value::Array(history));
        }
    }
    let why = word.why.trim();
    if !why.is_empty() {
        episode.set("extension", json!([{ "url": STATUS_REASON, "valueString": why }]));
    }
    episode
}

fn reasons(episode: &Resource) -> impl Iterator<Item = &Value> {
    let all = episode.get("extension").and_then(Value::as_array).into_iter().flatten();
    all.filter(|one| one.get("url").and_then(Value::as_str) == Some(STATUS_REASON))
}

/// What is true no longer: why it was as it was before, where it is not said why it is as it is now.
pub(super) fn outdated(word: &EnrolWord) -> Vec<String> {
    let is_silent = word.step.status().is_some() && word.why.trim().is_empty();
    is_silent.then(|| format!("extension:{STATUS_REASON}")).into_iter().collect()
}

/// The programme, what else somebody said, and the level.
pub(super) fn types(standing: &Standing, level: Option<usize>, before: Option<&Resource>, sets: &ValueSets) -> Value {
    let programme = &standing.programme;
    let coded = |(system, code): &(String, String), title: &str| json!({ "coding": [{ "system": system, "code": code, "display": title }] });
    let text = |coding: &Value, name: &str| coding.get(name).and_then(Value::as_str).unwrap_or_default().to_string();
    let is_level = |one: &Value| programme.is_level(sets, (&text(one, "system"), &text(one, "code")));
    // A sender may say programme and level in one.
    let without_level = |mut one: Value| {
        let codings = one.get_mut("coding").and_then(Value::as_array_mut);
        let is_none_left = codings.is_some_and(|codings| {
            codings.retain(|coding| !is_level(coding)); // Nothing lost: the level that was is in the episode's history.
            codings.is_empty()
        });
        (!is_none_left).then_some(one)
    };
    let said = before.and_then(|before| before.get("type")?.as_array().cloned());
    let mut types = said.unwrap_or_else(|| vec![coded(&programme.coding, &programme.title)]);
    if let Some(level) = level.and_then(|level| programme.levels.get(level)) {
        types = types.into_iter().filter_map(without_level).collect();
        types.push(coded(&level.coding, &level.title));
    }
    Value::Array(types)
}

/// The teams that somebody named, and ours.
pub(super) fn teams(before: Option<&Resource>, own: ResourceId) -> Value {
    let own = json!({ "reference": format!("CareTeam/{own}") });
    let mut teams = before.and_then(|one| one.get("team")?.as_array().cloned()).unwrap_or_default();
    if !teams.iter().any(|one| one.get("reference") == own.get("reference")) {
        teams.push(own);
    }
    Value::Array(teams)
}

pub(super) fn person_of(holder: &Holder) -> Value {
    json!({ "type": "Practitioner", "identifier": { "system": PERSON, "value": holder.id }, "display": holder.name })
}

/// The team of an episode: one leads, and who led before was of it until then; with nobody to lead it is over.
pub(super) fn team(
    standing: &Standing,
    lead: Option<&Holder>,
    before: Option<&Resource>,
    (person, now): (PersonId, Timestamp),
) -> Resource {
    let mut team = Resource::new("CareTeam");
    let mut members = before.and_then(|one| one.get("participant")?.as_array().cloned()).unwrap_or_default();
    for member in members.iter_mut().filter_map(|one| one.get_mut("period")?.as_object_mut()) {
        member.entry("end").or_insert_with(|| json!(now.to_string()));
    }
    if let Some(lead) = lead {
        let role = json!([{ "coding": [{ "system": ROLE, "code": "care-manager" }], "text": "Lead care manager" }]);
        members.push(json!({ "role": role, "member": person_of(lead), "period": { "start": now.to_string() } }));
    }
    team.set("status", json!(if lead.is_some() { "active" } else { "inactive" }));
    team.set("name", json!(standing.programme.title));
    team.set("subject", json!({ "reference": format!("Patient/{}", ResourceId::patient(person)) }));
    team.set("participant", Value::Array(members));
    team
}
