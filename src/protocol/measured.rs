//! What measures count of one record: visits that were to be followed up, referrals, alerts, questions and assessments, each with by when
//! it counts and when it was done. Whether it was in time is judged by whoever counts. Changes nothing.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Contact;
use super::attempts::attempts_in;
use super::calendar::Calendar;
use super::context::Responsible;
use super::deadline::{Deadline, Working};
use super::enrolled::contacts;
use super::facts::Facts;
use super::looked::STAYS;
use super::memory::Memory;
use super::model::Prompt;
use super::names::PERSON;
use super::programmes::level_title;
use super::referrals::referrals;
use super::set::ProtocolSet;
use super::stage::Stage;
use super::view::View;
use super::visit::Visit;
use super::work::{Existing, existing_work};
use crate::identity::ResourceId;

/// Classes of visits by which somebody outside of hospitals sees or speaks to a patient (v3 ActCode).
const SEEN: [&str; 4] = ["AMB", "HH", "VR", "FLD"];
/// How visits end after which somebody else cares for the patient.
const ELSEWHERE: [&str; 4] = ["discharge-onward", "discharge-facility", "discharge-custody", "discharge-hospice"];
/// The rule by which a programme asks for its assessment.
const ASSESSMENT: &str = "assessment";
/// Until when the loop of a referral is to be closed.
const LOOP: Deadline = Deadline::Days(90);

/// What is measured of single things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measured {
    FollowUp2,
    FollowUp7,
    FollowUp30,
    ReferralLoops,
    AlertResponse,
    PromptsAnswered,
    Assessments,
    Contacts,
}

/// One thing that was to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reckoned {
    pub measure: Measured,
    /// What it is about: type and id.
    pub about: (&'static str, ResourceId),
    /// When it began to be owed; the month of this is where it counts.
    pub from: Timestamp,
    /// The last moment at which it is in time.
    pub due: Timestamp,
    pub done: Option<Timestamp>,
    /// Why it counts nowhere, in words, unless it was done in time.
    pub left_out: Option<&'static str>,
    /// Whose it was, where it is counted by person as well; empty where nobody took it.
    pub person: Option<String>,
    /// Of a contact, the level that asks for it.
    pub level: String,
}

impl ProtocolSet {
    /// All of a patient on a panel that a measure counts, in no order.
    pub fn reckoned(&self, view: &View<'_>) -> Vec<Reckoned> {
        let weekends = Calendar::weekends();
        // Nothing lost: whoever is on no panel is in no practice's measures.
        let Some(responsible) = self.responsible(view, &weekends) else { return Vec::new() };
        let facts = Facts::of(view.record, self.value_sets(), &responsible.practice.zone, view.now);
        let mut memory = Memory::default();
        let works = existing_work(view.record, &mut |stored| memory.work(stored));
        let works: Vec<&Existing<'_>> = works.values().flatten().collect();
        let mut all = follow_ups(&facts, &works, &responsible);
        all.extend(self.loops(&facts, &works, &responsible));
        all.extend(works.iter().filter_map(|one| response(&facts, one)));
        all.extend(works.iter().filter_map(|one| assessment(&facts, one)));
        all.extend(works.iter().flat_map(|one| self.answers(&facts, one)));
        let lead = responsible.membership.care_manager.clone().unwrap_or_default();
        all.extend(works.iter().filter_map(|one| self.contact(&facts, one, &lead)));
        all
    }

    fn loops(&self, facts: &Facts<'_>, works: &[&Existing<'_>], responsible: &Responsible<'_>) -> Vec<Reckoned> {
        let working = working(responsible);
        let of = |referral: super::referral::Referral| {
            let request = facts.record.get("ServiceRequest", referral.request)?;
            let from =
                request.resource.text("authoredOn").and_then(|text| facts.moment(text)).unwrap_or(request.updated);
            let name = referral.name();
            let read = works.iter().filter(|one| one.work.anchor == name && one.status() == "completed");
            let read = read.map(|one| one.work.closed.unwrap_or(one.stored.updated)).min();
            let is_reported = referral.stage == Stage::Reported;
            let reported = (is_reported && !self.wants_it_read(facts, &referral)).then_some(referral.since);
            Some(Reckoned {
                measure: Measured::ReferralLoops,
                about: ("ServiceRequest", referral.request),
                from,
                due: LOOP.due(from, working),
                done: read.filter(|_| is_reported).or(reported),
                left_out: facts.deceased.then_some("the patient has died"),
                person: None,
                level: String::new(),
            })
        };
        referrals(facts).into_iter().filter_map(of).collect()
    }

    /// A contact that a programme asks for again and again, of who leads the episode.
    fn contact(&self, facts: &Facts<'_>, one: &Existing<'_>, lead: &str) -> Option<Reckoned> {
        let protocol = self.protocol(&one.work.protocol)?;
        let (_, enrolment, _) = contacts(protocol).find(|(rule, ..)| *rule == one.work.rule)?;
        let resource = &one.stored.resource;
        let from = resource.text("authoredOn").and_then(|text| facts.moment(text))?;
        let due = end_of(facts, one)?;
        let ended = resource.get("executionPeriod").and_then(|period| facts.moment(period.get("end")?.as_str()?));
        let is_done = one.status() == "completed";
        let closed = one.work.closed.or(ended).or(Some(one.stored.updated));
        let left_out = match one.is_ended() && !is_done {
            true if one.is_touched() => Some("somebody said that it is not needed"),
            true if closed.is_some_and(|closed| closed < due) => Some("was not owed any more before its time was up"),
            _ => None,
        };
        // Nothing lost: what is no id of ours is led by who leads the patient.
        let episode =
            one.work.anchor.split(':').next().and_then(|id| facts.record.get("EpisodeOfCare", id.parse().ok()?));
        let named = episode.and_then(|episode| episode.resource.get("careManager")?.get("display")?.as_str());
        Some(Reckoned {
            measure: Measured::Contacts,
            about: ("Task", one.stored.id),
            from,
            due,
            done: closed.filter(|_| is_done),
            left_out,
            person: Some(named.unwrap_or(lead).to_string()),
            level: enrolment.level.as_ref().map(|level| level_title(level, facts.value_sets)).unwrap_or_default(),
        })
    }

    /// Each answer counts when it was given; a question that nobody answered counts when it came up.
    fn answers(&self, facts: &Facts<'_>, one: &Existing<'_>) -> Vec<Reckoned> {
        if one.stored.resource.resource_type() != "Flag" {
            return Vec::new();
        }
        let protocol = self.protocol(&one.work.protocol);
        let prompt = protocol.and_then(|protocol| protocol.prompts.iter().find(|prompt| prompt.id == one.work.rule));
        let puts_off =
            |prompt: &Prompt, answer: &str| prompt.answers.iter().any(|known| known.id == answer && known.is_override);
        let about = ("Flag", one.stored.id);
        let reckoned = |at: Timestamp, done: bool, left_out| Reckoned {
            measure: Measured::PromptsAnswered,
            about,
            from: at,
            due: at,
            done: done.then_some(at),
            left_out,
            person: None,
            level: String::new(),
        };
        let given = one.work.answers.iter();
        let mut all: Vec<Reckoned> = given
            .map(|given| reckoned(given.at, !prompt.is_some_and(|prompt| puts_off(prompt, &given.answer)), None))
            .collect();
        let period = one.stored.resource.get("period");
        let asked =
            period.and_then(|period| facts.moment(period.get("start")?.as_str()?)).unwrap_or(one.stored.updated);
        if !one.work.answers.iter().any(|given| given.at >= asked) {
            let gone = one.is_ended().then_some("the question ended by itself before anybody answered");
            all.push(reckoned(asked, false, gone));
        }
        all
    }
}

fn working<'a>(responsible: &Responsible<'a>) -> Working<'a> {
    Working { zone: &responsible.practice.zone, calendar: responsible.calendar }
}

/// Each emergency visit and each stay that has ended, once for each span.
fn follow_ups(facts: &Facts<'_>, works: &[&Existing<'_>], responsible: &Responsible<'_>) -> Vec<Reckoned> {
    let working = working(responsible);
    let is_hospital = |visit: &&Visit<'_>| visit.class == "EMER" || STAYS.contains(&visit.class);
    let ended = facts.visits.iter().filter(is_hospital).filter(|visit| visit.status == "finished");
    let spans = [
        (Measured::FollowUp2, Deadline::BusinessDays(2)),
        (Measured::FollowUp7, Deadline::Days(7)),
        (Measured::FollowUp30, Deadline::Days(30)),
    ];
    let of_visit = |visit: &Visit<'_>| {
        let known = visit.end;
        let end = known.or(visit.start).unwrap_or(visit.stored.updated);
        let done = followed(facts, works, visit, end);
        let of_span = |(measure, span): (Measured, Deadline)| {
            let due = span.due(end, working);
            let unknown = known.is_none().then_some("nobody said when the visit ended");
            let left_out = unknown.or_else(|| elsewhere(facts, visit, end, due));
            let done = done.filter(|_| known.is_some());
            let (person, level) = (None, String::new());
            Reckoned { measure, about: ("Encounter", visit.id), from: end, due, done, left_out, person, level }
        };
        spans.into_iter().map(of_span).collect::<Vec<_>>()
    };
    ended.flat_map(of_visit).collect()
}

/// When somebody first saw or reached the patient after a visit, or says that they did.
fn followed(facts: &Facts<'_>, works: &[&Existing<'_>], visit: &Visit<'_>, end: Timestamp) -> Option<Timestamp> {
    let place = facts.place_of(visit);
    let seen = facts.visits.iter().filter(|other| {
        SEEN.contains(&other.class) && other.is_real() && (other.has_attender() || facts.place_of(other) != place)
    });
    let reached = [Contact::ReachedPatient.words(), Contact::ReachedCaregiver.words()];
    let tasks = || works.iter().filter(|one| one.stored.resource.resource_type() == "Task");
    let called = tasks().flat_map(|one| attempts_in(&one.stored.resource)).filter(|made| reached.contains(&made.words));
    let anchor = visit.id.to_string();
    let is_about = |one: &&&Existing<'_>| {
        let authored = one.stored.resource.text("authoredOn").and_then(|text| facts.moment(text));
        one.work.anchor == anchor && authored.is_some_and(|at| at >= end)
    };
    let finished = tasks().filter(is_about).filter(|one| one.status() == "completed" && one.is_touched());
    let moments = seen.filter_map(|other| other.start).chain(called.filter_map(|made| facts.moment(made.at)));
    moments.chain(finished.filter_map(|one| one.work.closed)).filter(|at| *at > end).min()
}

/// Why nobody at the practice owes a follow-up in time.
fn elsewhere(facts: &Facts<'_>, visit: &Visit<'_>, end: Timestamp, due: Timestamp) -> Option<&'static str> {
    let is_stay = |other: &&Visit<'_>| STAYS.contains(&other.class) && other.id != visit.id && other.is_real();
    // Out of the emergency department one is admitted before that visit is closed.
    let opens = visit.start.unwrap_or(end);
    let back = |other: &&Visit<'_>| other.start.is_some_and(|start| start >= opens && start <= due);
    if facts.deceased {
        Some("the patient has died")
    } else if ELSEWHERE.iter().any(|set| facts.value_sets.contains_any(set, &visit.ends())) {
        Some("went on to another hospital, a facility or a hospice")
    } else if facts.visits.iter().filter(is_stay).any(|other| back(&other)) {
        Some("was in hospital again before the time was up")
    } else {
        None
    }
}

/// An alert, and when a person first took it on.
fn response(facts: &Facts<'_>, one: &Existing<'_>) -> Option<Reckoned> {
    one.work.level.as_ref()?;
    let from = one.work.raised?;
    let done = one.work.acknowledged.or(one.work.closed).or_else(|| one.is_touched().then(|| one.touched_at()));
    let ended = (one.is_ended() && done.is_none()).then_some("ended by itself before anybody took it on");
    Some(Reckoned {
        measure: Measured::AlertResponse,
        about: ("Task", one.stored.id),
        from,
        due: end_of(facts, one)?,
        done,
        left_out: ended,
        person: Some(taker(one)),
        level: String::new(),
    })
}

fn assessment(facts: &Facts<'_>, one: &Existing<'_>) -> Option<Reckoned> {
    if one.work.rule != ASSESSMENT || one.stored.resource.resource_type() != "Task" {
        return None;
    }
    let resource = &one.stored.resource;
    let from = resource.text("authoredOn").and_then(|text| facts.moment(text))?;
    let ended = resource.get("executionPeriod").and_then(|period| facts.moment(period.get("end")?.as_str()?));
    let is_done = one.status() == "completed";
    Some(Reckoned {
        measure: Measured::Assessments,
        about: ("Task", one.stored.id),
        from,
        due: end_of(facts, one)?,
        done: one.work.closed.or(ended).or(Some(one.stored.updated)).filter(|_| is_done),
        left_out: (one.is_ended() && !is_done && one.is_touched()).then_some("somebody said that it is not needed"),
        person: None,
        level: String::new(),
    })
}

/// Who took it; empty where nobody did.
fn taker(one: &Existing<'_>) -> String {
    let owner = one.stored.resource.get("owner");
    let is_person = owner.and_then(|owner| owner.pointer("/identifier/system")?.as_str()) == Some(PERSON);
    let name = owner.filter(|_| is_person).and_then(|owner| owner.get("display")?.as_str());
    name.unwrap_or_default().to_string()
}

/// By when a Task is due.
fn end_of(facts: &Facts<'_>, one: &Existing<'_>) -> Option<Timestamp> {
    facts.moment(one.stored.resource.get("restriction")?.get("period")?.get("end")?.as_str()?)
}
