//! One record over a window: it grows as it grew, the clock goes on from one thing to the next, and every timer on the way fires at its
//! moment. What other protocols made is not there, and what people did with this one's work is not known.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::misses;
use super::past::Past;
use super::tally::{Person, Tally};
use super::window::Window;
use crate::fhir::Resource;
use crate::identity::ResourceId;
use crate::protocol::calendar::Calendar;
use crate::protocol::facts::Facts;
use crate::protocol::memory::Memory;
use crate::protocol::model::{Evidence, Protocol, Trigger};
use crate::protocol::set::ProtocolSet;
use crate::protocol::view::{Explained, Practice, View};
use crate::protocol::work::{Work, is_final};
use crate::record::{Membership, Record, Stored};

/// More than happens to one person in a window; what goes beyond is said.
const MOST_LOOKS: usize = 20_000;

impl ProtocolSet {
    /// What this set's only protocol would have made of a record in a window.
    pub fn try_on(
        &self,
        record: &Record,
        memberships: &[Membership],
        practices: &BTreeMap<String, Practice>,
        window: Window,
        tally: &mut Tally,
    ) {
        let view = View { record, memberships, practices, now: window.until };
        let weekends = Calendar::weekends();
        let (Some(protocol), Some(responsible)) = (self.protocols().first(), self.responsible(&view, &weekends)) else {
            return;
        };
        let mut replay = Replay {
            set: self,
            memberships,
            practices,
            zone: &responsible.practice.zone,
            window,
            record: Record { head: record.head.clone(), resources: Default::default(), truncated: record.truncated },
            memory: Memory::default(),
            now: window.since,
            wake: None,
            last: Vec::new(),
            made: BTreeMap::new(),
            unused: BTreeSet::new(),
        };
        tally.records += 1;
        tally.truncated += usize::from(record.truncated);
        replay.run(protocol, record, tally);
        let facts = Facts::of(&replay.record, self.value_sets(), replay.zone, window.until);
        misses::look(protocol, &facts, &responsible, window, &replay.last, tally);
        replay.count(&facts, &responsible.membership.identifiers, tally);
    }
}

struct Replay<'r> {
    set: &'r ProtocolSet,
    memberships: &'r [Membership],
    practices: &'r BTreeMap<String, Practice>,
    zone: &'r TimeZone,
    window: Window,
    record: Record,
    memory: Memory,
    now: Timestamp,
    wake: Option<Timestamp>,
    /// What the rules said when they last looked.
    last: Vec<Explained>,
    /// By rule, when work was made in the window.
    made: BTreeMap<String, Vec<Timestamp>>,
    /// What the rules could not use, each once.
    unused: BTreeSet<String>,
}

impl Replay<'_> {
    fn run(&mut self, protocol: &Protocol, record: &Record, tally: &mut Tally) {
        let reads = Reads::of(protocol);
        let pasts: Vec<Past<'_>> = record
            .resources
            .values()
            .filter(|stored| stored.state.superseded.is_none() && reads.wants(stored))
            .map(|stored| Past::of(stored, self.zone))
            .collect();
        let mut turns: BTreeMap<Timestamp, Vec<usize>> = BTreeMap::new();
        for (place, past) in pasts.iter().enumerate() {
            if let Some(stood) = past.at(self.window.since, self.zone) {
                self.record.resources.put(stood);
            }
            let within = past.turns.iter().filter(|turn| **turn > self.window.since && **turn <= self.window.until);
            within.for_each(|turn| turns.entry(*turn).or_default().push(place));
        }
        self.look(tally, true);
        // Nothing lost: `cut_short` tells of it.
        for _ in 0..MOST_LOOKS {
            let next = [turns.keys().next().copied(), self.wake].into_iter().flatten().min();
            // Nothing lost: nothing more happened.
            let Some(next) = next.filter(|next| *next <= self.window.until) else { return };
            self.now = next;
            let mut begins = false;
            for place in turns.remove(&next).unwrap_or_default() {
                // Nothing lost: what was known before is known still.
                let Some(stood) = pasts.get(place).and_then(|past| past.at(next, self.zone)) else { continue };
                let before = self.record.get(stood.resource.resource_type(), stood.id);
                begins |= is_visit(&stood.resource) && !before.is_some_and(|before| is_visit(&before.resource));
                self.record.resources.put(stood);
            }
            self.look(tally, false);
            if begins && reads.shows {
                self.show(tally);
            }
        }
        tally.cut_short += 1;
    }

    fn view(&self) -> View<'_> {
        View { record: &self.record, memberships: self.memberships, practices: self.practices, now: self.now }
    }

    fn look(&mut self, tally: &mut Tally, is_first: bool) {
        let mut memory = std::mem::take(&mut self.memory);
        let evaluation = self.set.look_again(&self.view(), &mut memory);
        self.memory = memory;
        self.wake = evaluation.wake_at;
        self.last = evaluation.decisions;
        self.unused.extend(evaluation.unused.into_iter().map(|problem| problem.text));
        for change in &evaluation.changes {
            let made = Some(change).filter(|change| change.replaces == 0).and_then(|change| Work::read(&change.stored));
            if let Some(work) = made {
                if is_first {
                    tally.rule(&work.rule).into_iter().for_each(|rule| rule.before += 1);
                } else {
                    self.made.entry(work.rule).or_default().push(self.now);
                }
            }
            if change.stored.resource.resource_type() != "Provenance" {
                self.record.apply(change);
            }
        }
    }

    /// The cards that come up now.
    fn show(&mut self, tally: &mut Tally) {
        let week = week_of(self.now, self.zone);
        let mut memory = std::mem::take(&mut self.memory);
        let cards = self.set.cards_again(&self.view(), "encounter-start", &mut memory);
        self.memory = memory;
        for card in cards {
            let (kind, id) = &card.about;
            let work = self.record.get(kind, *id).and_then(Work::read);
            if let Some(rule) = work.and_then(|work| tally.rule(&work.rule)) {
                *rule.cards.entry(week).or_default() += 1;
            }
        }
    }

    fn count(&self, facts: &Facts<'_>, identifiers: &[crate::fhir::Identifier], tally: &mut Tally) {
        for stored in ["Task", "Flag", "CarePlan"].iter().flat_map(|kind| self.record.of_type(kind)) {
            let is_open = !stored.resource.text("status").is_some_and(is_final);
            let work = Some(stored).filter(|_| is_open).and_then(Work::read);
            work.and_then(|work| tally.rule(&work.rule)).into_iter().for_each(|rule| rule.open += 1);
        }
        let identifier = identifiers.first().map(|one| format!("{}|{}", one.system, one.value)).unwrap_or_default();
        tally.people += usize::from(!self.made.is_empty());
        self.unused.iter().for_each(|text| *tally.unused.entry(text.clone()).or_default() += 1);
        for (rule, times) in &self.made {
            // Nothing lost: a rule that made work is one of the file's.
            let (Some(rule), Some(first)) = (tally.rule(rule), times.first()) else { continue };
            rule.made += times.len();
            rule.people += 1;
            times.iter().for_each(|at| *rule.weeks.entry(week_of(*at, self.zone)).or_default() += 1);
            if rule.listed.len() < self.window.listed {
                rule.listed.push(Person {
                    patient: format!("Patient/{}", ResourceId::patient(self.record.head.person)),
                    name: facts.patient_name(),
                    identifier: identifier.clone(),
                    first: *first,
                    times: times.len(),
                });
            }
        }
    }
}

/// What of a record a protocol can look at: a year of readings is nothing to rules about visits.
struct Reads {
    observations: bool,
    /// Something of it comes up as a card.
    shows: bool,
}

impl Reads {
    fn of(protocol: &Protocol) -> Self {
        let is_observed = |evidence: &Evidence| matches!(evidence, Evidence::Resource { resource_type, .. } if resource_type == "Observation");
        let of_task = protocol.tasks.iter().any(|task| {
            matches!(task.when, Trigger::Silence { .. }) || task.done_by.iter().chain(&task.unless).any(is_observed)
        });
        let silenced =
            protocol.prompts.iter().flat_map(|prompt| &prompt.silenced_by).any(|by| by.resource_type == "Observation");
        let has_alerts = !protocol.alerts.is_empty();
        let shows = has_alerts || !protocol.prompts.is_empty() || protocol.tasks.iter().any(|task| task.card);
        Self { observations: has_alerts || of_task || silenced, shows }
    }

    fn wants(&self, stored: &Stored) -> bool {
        match stored.resource.resource_type() {
            "Observation" => self.observations,
            "Provenance" | "AuditEvent" => false,
            _ => stored.state.work.is_none(),
        }
    }
}

/// Somebody is with the patient in a practice.
fn is_visit(encounter: &Resource) -> bool {
    let class = encounter.get("class").and_then(|class| class.get("code")?.as_str());
    let began = matches!(encounter.text("status"), Some("arrived" | "triaged" | "in-progress" | "finished"));
    encounter.resource_type() == "Encounter" && began && matches!(class, Some("AMB" | "HH" | "VR"))
}

/// The Monday of its week.
fn week_of(at: Timestamp, zone: &TimeZone) -> Date {
    let day = at.to_zoned(zone.clone()).date();
    let back = i64::from(day.weekday().since(Weekday::Monday));
    day.saturating_sub(Span::new().days(back))
}
