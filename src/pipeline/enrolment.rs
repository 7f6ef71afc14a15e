//! What a person says about a programme, and the EpisodeOfCare and CareTeam that it makes of those before
//! (http://hl7.org/fhir/R4/episodeofcare.html, careteam.html).

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::fhir::Resource;
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
    fn status(self) -> Option<&'static str> {
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
        episode.set("type", types(standing, None, None));
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
            let period = json!({ "start": started.to_string(), "end": now.to_string() });
            history.push(json!({ "status": was, "period": period }));
            episode.set("statusHistory", Value::Array(history));
        }
    }
    let why = word.why.trim();
    if !why.is_empty() {
        let is_other = |one: &&Value| one.get("url").and_then(Value::as_str) != Some(STATUS_REASON);
        let others = before.and_then(|before| before.get("extension")?.as_array());
        let mut extensions: Vec<Value> = others.into_iter().flatten().filter(is_other).cloned().collect();
        extensions.push(json!({ "url": STATUS_REASON, "valueString": why }));
        episode.set("extension", Value::Array(extensions));
    }
    episode
}

/// The programme, what else somebody said, and the level.
pub(super) fn types(standing: &Standing, level: Option<usize>, before: Option<&Resource>) -> Value {
    let programme = &standing.programme;
    let coded = |(system, code): &(String, String), title: &str| json!({ "coding": [{ "system": system, "code": code, "display": title }] });
    let is_level = |one: &Value| {
        let codings = one.get("coding").and_then(Value::as_array).into_iter().flatten();
        codings.into_iter().any(|coding| programme.levels.iter().any(|level| is_coding(coding, &level.coding)))
    };
    let said = before.and_then(|before| before.get("type")?.as_array().cloned());
    let mut types = said.unwrap_or_else(|| vec![coded(&programme.coding, &programme.title)]);
    if let Some(level) = level.and_then(|level| programme.levels.get(level)) {
        types.retain(|one| !is_level(one)); // Nothing lost: the level that was is in the episode's history.
        types.push(coded(&level.coding, &level.title));
    }
    Value::Array(types)
}

fn is_coding(coding: &Value, (system, code): &(String, String)) -> bool {
    let is = |name: &str, value: &str| coding.get(name).and_then(Value::as_str) == Some(value);
    is("system", system) && is("code", code)
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
