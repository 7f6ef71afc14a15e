//! Who is in a programme, as a board of them needs it: since when, at which level, how often they are owed a contact by the rules in
//! force, when the last one was, which is the next, and what the team last said about the level.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::barriers::{Barrier, barriers};
use super::calendar::Calendar;
use super::deadline::Deadline;
use super::facts::Facts;
use super::memory::Memory;
use super::model::{Protocol, Trigger};
use super::set::ProtocolSet;
use super::view::View;
use super::who::Enrolment;
use super::work::{Existing, existing_work};
use crate::identity::ResourceId;
use crate::record::Stored;

/// The prompt by which a team says whether the level is still right.
const LEVEL_PROMPT: &str = "level";

/// One enrolment that is going on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Enrolled {
    /// The EpisodeOfCare.
    pub episode: ResourceId,
    /// The protocol's title.
    pub programme: String,
    /// As the episode's type names it; empty where no rule knows a level of it.
    pub level: String,
    /// As the episode names who leads, else as the roster does; empty where nobody is named.
    pub lead: String,
    pub since: Timestamp,
    /// How many contacts a month (of 30 days) the level asks for; none where no rule asks for any.
    pub contacts_a_month: Option<f64>,
    /// When a contact that was owed was last made.
    pub last_reached: Option<Timestamp>,
    /// Open Tasks that ask for the next contact.
    pub next_contact: Vec<ResourceId>,
    /// What the team last said about the level, in the words of the protocol's answers, and when.
    pub said: Option<(String, Timestamp)>,
    /// The patient's goals that are worked on, as the record words them.
    pub goals: Vec<String>,
    /// What stands in the patient's way, whatever it hinders.
    pub barriers: Vec<Barrier>,
    /// Open Tasks of the programme.
    pub work: Vec<ResourceId>,
}

impl ProtocolSet {
    /// The programmes that a patient is in, in the order of the protocols.
    pub fn enrolled(&self, view: &View<'_>) -> Vec<Enrolled> {
        let weekends = Calendar::weekends();
        // Nothing lost: whoever is on no panel is on no practice's board.
        let Some(responsible) = self.responsible(view, &weekends) else { return Vec::new() };
        let zone = &responsible.practice.zone;
        let facts = Facts::of(view.record, self.value_sets(), zone, view.now);
        let mut memory = Memory::default();
        let works = existing_work(view.record, &mut |stored| memory.work(stored));
        let works: Vec<&Existing<'_>> = works.values().flatten().collect();
        let lead = responsible.membership.care_manager.clone().unwrap_or_default();
        let of_programme = |protocol: &Protocol| {
            let programme = programme(protocol)?;
            let episode = facts.enrolments(&programme).next()?;
            Some(enrolled(protocol, &facts, episode, &works, &lead))
        };
        self.protocols().iter().filter_map(of_programme).collect()
    }
}

/// The programme that a protocol asks for contacts of, at any level.
fn programme(protocol: &Protocol) -> Option<Enrolment> {
    contacts(protocol).next().map(|(_, of, _)| Enrolment { programme: of.programme.clone(), level: None })
}

/// The rules that ask for contact again and again: their id, whom they are for, and how often.
pub(super) fn contacts(protocol: &Protocol) -> impl Iterator<Item = (&str, &Enrolment, Deadline)> {
    protocol.tasks.iter().filter_map(|rule| match &rule.when {
        Trigger::Enrolled { enrolment, every: Some(every) } => Some((rule.id.as_str(), enrolment, *every)),
        _ => None,
    })
}

fn enrolled(protocol: &Protocol, facts: &Facts<'_>, episode: &Stored, works: &[&Existing<'_>], lead: &str) -> Enrolled {
    let types = episode.resource.codings("type");
    let fitting =
        |(_, of, _): &(&str, &Enrolment, Deadline)| of.level.as_ref().is_none_or(|level| facts.has_code(level, &types));
    let contact = contacts(protocol).find(fitting);
    let own: Vec<&&Existing<'_>> = works.iter().filter(|one| one.work.protocol == protocol.name).collect();
    let is_contact = |one: &&&&Existing<'_>| contacts(protocol).any(|(id, _, _)| id == one.work.rule);
    let open = || own.iter().filter(|one| !one.is_ended() && one.stored.resource.resource_type() == "Task");
    let made = own.iter().filter(is_contact).filter(|one| one.stored.resource.text("status") == Some("completed"));
    let named = episode.resource.get("careManager").and_then(|who| who.get("display")).and_then(Value::as_str);
    let stated = episode.resource.get("period").and_then(|period| facts.moment(period.get("start")?.as_str()?));
    Enrolled {
        episode: episode.id,
        programme: protocol.title.clone(),
        level: contact.and_then(|(_, of, _)| level(episode, facts, of)).unwrap_or_default(),
        lead: named.unwrap_or(lead).to_string(),
        since: stated.unwrap_or(episode.updated),
        contacts_a_month: contact.map(|(_, _, every)| 30.0 * 86_400.0 / every.length().as_secs_f64().max(1.0)),
        last_reached: made.filter_map(|one| ended(one, facts)).max(),
        next_contact: open().filter(is_contact).map(|one| one.stored.id).collect(),
        said: said(&own),
        goals: goals(facts),
        barriers: barriers(facts),
        work: open().map(|one| one.stored.id).collect(),
    }
}

/// The coding of the episode's type by which a rule knows its level, as somebody displayed it.
fn level(episode: &Stored, facts: &Facts<'_>, of: &Enrolment) -> Option<String> {
    let wanted = of.level.as_ref()?;
    let types = episode.resource.get("type")?.as_array()?;
    let codings = types.iter().filter_map(|concept| concept.get("coding")?.as_array()).flatten();
    let text = |coding: &Value, name: &str| coding.get(name).and_then(Value::as_str).unwrap_or_default().to_string();
    let mut fitting = codings
        .filter(|coding| facts.has_code(wanted, &[(text(coding, "system").as_str(), text(coding, "code").as_str())]));
    let coding = fitting.next()?;
    Some(text(coding, "display")).filter(|words| !words.is_empty()).or_else(|| Some(text(coding, "code")))
}

/// When a piece of work was done: as a person said, else as the Task says.
fn ended(one: &Existing<'_>, facts: &Facts<'_>) -> Option<Timestamp> {
    let stated = || facts.moment(one.stored.resource.get("executionPeriod")?.get("end")?.as_str()?);
    one.work.closed.or_else(stated)
}

/// The last answer about the level.
fn said(own: &[&&Existing<'_>]) -> Option<(String, Timestamp)> {
    let asked = own.iter().filter(|one| one.work.rule == LEVEL_PROMPT);
    let last = asked.filter_map(|one| one.work.answers.last()).max_by_key(|given| given.at)?;
    Some((last.answer.replace('-', " "), last.at))
}

fn goals(facts: &Facts<'_>) -> Vec<String> {
    let going_on = |stored: &&Stored| {
        let status = stored.resource.text("lifecycleStatus").unwrap_or_default();
        stored.state.superseded.is_none() && matches!(status, "proposed" | "planned" | "accepted" | "active")
    };
    let words = |stored: &Stored| crate::fhir::concept_title(stored.resource.get("description")).map(str::to_string);
    facts.record.of_type("Goal").filter(going_on).filter_map(words).collect()
}
