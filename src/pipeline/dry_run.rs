//! The same path without storing or sending: what a message would come to for a patient nobody has seen.

use jiff::Timestamp;
use serde_json::Value;

use super::answer::Answer;
use super::decide::{Decided, decide, joined};
use super::find::{Found, Known};
use super::hot::Weight;
use super::overlay::Overlay;
use super::portions::{Portion, portions};
use super::said::Said;
use super::{Arrival, Code, notices, trace, understand};
use crate::fhir::Identifier;
use crate::identity;
use crate::mapping::Mapped;
use crate::problem::Problem;
use crate::protocol::Memory;
use crate::record::{Membership, Record};
use crate::site::Site;
use crate::store::{Disposition, NewDelivery, Trace, WriteUnit};
use crate::telemetry::Journey;

/// What a message would come to.
pub struct Trial {
    pub code: Code,
    /// The acknowledgement that its sender would get.
    pub answer: Vec<u8>,
    /// `ADT^A04`
    pub event: String,
    pub control: String,
    pub problems: Vec<Problem>,
    pub trace: Trace,
    /// The resources that would be written.
    pub resources: Vec<Value>,
    pub deliveries: Vec<NewDelivery>,
    /// Codes that no table row maps: table, code.
    pub unmapped: Vec<(String, String)>,
}

/// Who is on which panel, for a trial.
#[derive(Debug, Clone, Copy, Default)]
pub struct Members<'m> {
    /// As the site's files list them.
    pub listed: &'m [Membership],
    /// The panel that everybody is on who is listed nowhere.
    pub otherwise: Option<&'m str>,
}

/// Tries one message. None when the site has no such feed.
pub fn dry_run(site: &Site, feed: &str, raw: &[u8], members: Members<'_>, now: Timestamp) -> Option<Trial> {
    let feed = site.feeds.get(feed)?;
    let arrival = Arrival { feed: feed.name.clone(), raw: raw.to_vec(), ..Arrival::default() };
    let read = understand::read(site, feed, &arrival);
    let mapped = match (&read.refusal, &read.message) {
        (None, Some(message)) => understand::map(site, feed, message, now),
        _ => None,
    };
    let mut problems = read.problems.clone();
    let mut decided = match &mapped {
        Some(mapped) => {
            problems.extend(mapped.problems.iter().cloned());
            let said = Said { site, feed, control: &read.control, received: now, journey: &Journey::default() };
            decide_alone(&said, mapped, members)
        }
        None => alone(read.refusal.unwrap_or(Disposition::Rejected), Vec::new()),
    };
    problems.append(&mut decided.problems);
    notices::mark_refused(&mut problems, decided.disposition, &read.event);
    trace::complete(&mut decided.trace, &problems, mapped.as_ref());
    let answer = Answer::new(site, &read, &arrival, decided.disposition, &problems, now);
    let visible = decided.unit.changes.into_iter().filter(crate::record::Change::is_visible);
    let unmapped = mapped.map(|mapped| mapped.unmapped).unwrap_or_default();
    Some(Trial {
        code: answer.code,
        answer: answer.bytes,
        event: read.event,
        control: read.control,
        problems,
        trace: decided.trace,
        resources: visible.map(|change| Value::from(change.stored.resource)).collect(),
        deliveries: decided.unit.deliveries,
        unmapped: unmapped.into_iter().map(|unmapped| (unmapped.table, unmapped.code)).collect(),
    })
}

fn decide_alone(said: &Said<'_>, mapped: &Mapped, members: Members<'_>) -> Decided {
    if mapped.has_errors() {
        return alone(Disposition::Error, Vec::new());
    }
    let portions = match portions(&said.feed.identified_by, mapped) {
        Ok(portions) => portions,
        Err(problem) => return alone(Disposition::Error, vec![problem]),
    };
    let (mut overlay, mut all) = (Overlay::default(), Vec::new());
    for portion in &portions {
        let decided = decide(said, portion, found(&overlay, portion, members));
        // Nothing lost: the overlay takes in, and cuts nothing.
        overlay.take(&decided.unit);
        all.push(decided);
    }
    joined(all)
}

/// What would be found for patients nobody has seen before this message.
fn found(overlay: &Overlay, portion: &Portion<'_>, members: Members<'_>) -> Found {
    let record = |identifiers: &[Identifier]| {
        let known = overlay.persons_of(identifiers, vec![None; identifiers.len()]);
        let chosen = identity::choose_person(identifiers, &known);
        let mut record = Record::new(chosen.person);
        overlay.complete(&mut record);
        (record, chosen)
    };
    let (known, chosen) = record(&portion.candidates);
    let origin = known.head.origin_of(&chosen.identifiers);
    let (identified, problems) = identity::assign(portion.drafts.to_vec(), origin);
    let memberships = members.of(&portion.stated(), &portion.candidates);
    let prior = Some(&portion.prior).filter(|prior| !prior.is_empty()).map(|prior| {
        let (record, gone) = record(prior);
        (record, gone.identifiers)
    });
    let known = Known { record: known, memberships };
    let (weight, memory) = (Weight::default(), Memory::default());
    let (identifiers, said, author) = (chosen.identifiers, Vec::new(), String::new());
    Found { known, weight, memory, identifiers, identified, prior, problems, said, author }
}

impl Members<'_> {
    fn of(&self, stated: &[Identifier], candidates: &[Identifier]) -> Vec<Membership> {
        let is_theirs = |member: &&Membership| {
            member.identifiers.iter().any(|known| stated.contains(known) || candidates.contains(known))
        };
        let listed: Vec<Membership> = self.listed.iter().filter(is_theirs).cloned().collect();
        match self.otherwise {
            Some(panel) if listed.is_empty() => vec![Membership::new(panel, candidates.to_vec())],
            _ => listed,
        }
    }
}

fn alone(disposition: Disposition, problems: Vec<Problem>) -> Decided {
    let (unit, trace) = (WriteUnit::default(), Trace::default());
    Decided { unit, trace, problems, disposition, patient: None, other_patients: Vec::new(), record: None }
}
