//! The programmes that the rules in force know, by which codes somebody is enrolled in one and at which level, and how a patient stands to
//! each (http://hl7.org/fhir/R4/episodeofcare.html).

use jiff::Timestamp;
use serde_json::Value;

use super::codes::Codes;
use super::enrolled::contacts;
use super::facts::Facts;
use super::names::{STATUS_REASON, TASK_CODE};
use super::set::ProtocolSet;
use super::work::existing_work;
use crate::fhir::ValueSets;
use crate::identity::ResourceId;
use crate::record::{Record, Stored};

/// The rule of a programme's protocol that asks to end it.
const GRADUATE: &str = "graduate";

/// One that a patient can be enrolled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programme {
    /// The protocol's name.
    pub name: String,
    pub title: String,
    /// What EpisodeOfCare.type says of it.
    pub coding: (String, String),
    /// As the protocol has them.
    pub levels: Vec<Level>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    pub title: String,
    /// What is written of it.
    pub coding: (String, String),
    /// All codes that it is known by.
    codes: Codes,
}

impl Programme {
    /// Whether a code says which level somebody is at, whoever wrote it.
    pub fn is_level(&self, sets: &ValueSets, coding: (&str, &str)) -> bool {
        self.levels.iter().any(|level| level.codes.hold(sets, &[coding]))
    }
}

/// How a patient stands to a programme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub programme: Programme,
    /// Offered, or enrolled.
    pub now: Option<Episode>,
    /// What is over, the newest first.
    pub past: Vec<Episode>,
    /// Open Tasks that ask to offer it, and that ask to end it.
    pub offers: Vec<ResourceId>,
    pub graduations: Vec<ResourceId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Episode {
    pub id: ResourceId,
    pub status: String,
    /// When it began, and where it is over when that was.
    pub since: Timestamp,
    pub until: Option<Timestamp>,
    /// The place of its level among the programme's.
    pub level: Option<usize>,
    pub lead: String,
    /// Why it is as it is, in words.
    pub why: String,
}

impl ProtocolSet {
    /// The programmes, in the order of the protocols.
    pub fn programmes(&self) -> Vec<Programme> {
        let sets = self.value_sets();
        let programme = |protocol: &super::model::Protocol| {
            let (_, first, _) = contacts(protocol).next()?;
            let level = |(_, of, _): (&str, &super::who::Enrolment, _)| {
                let codes = of.level.as_ref()?;
                Some(Level { title: level_title(codes, sets), coding: first_code(codes, sets)?, codes: codes.clone() })
            };
            Some(Programme {
                name: protocol.name.clone(),
                title: protocol.title.clone(),
                coding: first_code(&first.programme, sets)?,
                levels: contacts(protocol).filter_map(level).collect(),
            })
        };
        self.protocols().iter().filter_map(programme).collect()
    }

    /// How a patient stands to each programme, by what whoever asks may see.
    pub fn standings(&self, record: &Record, sees: impl Fn(&Stored) -> bool, now: Timestamp) -> Vec<Standing> {
        let zone = jiff::tz::TimeZone::UTC;
        let facts = Facts::of(record, self.value_sets(), &zone, now);
        let mut memory = super::memory::Memory::default();
        let works = existing_work(record, &mut |stored| memory.work(stored));
        let standing = |programme: Programme| {
            let mut all: Vec<Episode> = record
                .of_type("EpisodeOfCare")
                .filter(|stored| stored.state.superseded.is_none() && sees(stored))
                .filter(|stored| self.is_of(stored, &programme, &facts))
                .filter_map(|stored| episode(stored, &programme, &facts))
                .collect();
            all.sort_by_key(|one| std::cmp::Reverse((one.since, one.id)));
            let (now, past): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| !is_over(&one.status));
            let is_in = |status: &str| now.iter().find(|one| one.status == status);
            let open = || works.values().flatten().filter(|one| !one.is_ended() && sees(one.stored));
            let offer = format!("offer-{}", programme.name);
            let is_offer = |stored: &Stored| stored.resource.codings("code").contains(&(TASK_CODE, offer.as_str()));
            Standing {
                offers: open().filter(|one| is_offer(one.stored)).map(|one| one.stored.id).collect(),
                graduations: open()
                    .filter(|one| one.work.protocol == programme.name && one.work.rule == GRADUATE)
                    .map(|one| one.stored.id)
                    .collect(),
                // Who is enrolled is so whatever is offered beside it.
                now: is_in("active").or(is_in("onhold")).or(now.first()).cloned(),
                programme,
                past,
            }
        };
        self.programmes().into_iter().map(standing).collect()
    }

    fn is_of(&self, stored: &Stored, programme: &Programme, facts: &Facts<'_>) -> bool {
        let protocol = self.protocol(&programme.name);
        let asked = protocol.and_then(|protocol| contacts(protocol).next().map(|(_, of, _)| &of.programme));
        asked.is_some_and(|codes| facts.has_code(codes, &stored.resource.codings("type")))
    }
}

fn is_over(status: &str) -> bool {
    matches!(status, "finished" | "cancelled" | "entered-in-error")
}

fn episode(stored: &Stored, programme: &Programme, facts: &Facts<'_>) -> Option<Episode> {
    let resource = &stored.resource;
    let status = resource.text("status").filter(|status| *status != "entered-in-error")?;
    let period = |end: &str| facts.moment(resource.get("period")?.get(end)?.as_str()?);
    let types = resource.codings("type");
    let level = programme.levels.iter().position(|level| facts.has_code(&level.codes, &types));
    let reasons = resource.get("extension").and_then(Value::as_array);
    let why = reasons.into_iter().flatten().find(|one| one.get("url").and_then(Value::as_str) == Some(STATUS_REASON));
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_string();
    Some(Episode {
        id: stored.id,
        status: status.to_string(),
        since: period("start").unwrap_or(stored.updated),
        until: period("end"),
        level,
        lead: text(resource.get("careManager").and_then(|who| who.get("display"))),
        why: text(why.and_then(|one| one.get("valueString"))),
    })
}

/// The first code that a rule asks for.
fn first_code(codes: &Codes, sets: &ValueSets) -> Option<(String, String)> {
    let of_set =
        |name: &String| sets.get(name)?.first_code().map(|(system, code)| (system.to_string(), code.to_string()));
    codes.value_sets.iter().find_map(of_set).or_else(|| codes.listed.first().cloned())
}

/// `Level of care, high` is `High`.
pub(super) fn level_title(codes: &Codes, sets: &ValueSets) -> String {
    let title = codes.value_sets.first().and_then(|name| sets.get(name)).map(|set| set.title.as_str());
    let last = title.unwrap_or("Level").rsplit(", ").next().unwrap_or_default();
    let mut letters = last.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
