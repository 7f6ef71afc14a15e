//! What work holds together for whoever does it (http://hl7.org/fhir/R4/task-definitions.html#Task.input): references to the patient's
//! goals, the questions that wait, the newest readings of each kind and what happened in a time. It is gathered anew while the work is
//! open, when all rules have said what is owed; with its end it stays. What has a label is not among it, for the work would have it, too.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::alert::taken_at;
use super::facts::Facts;
use super::looked::STAYS;
use super::model::{Gathering, Part};
use super::names;
use super::set::ProtocolSet;
use super::sources::Sources;
use super::work::{Desired, Existing, Outcome};
use crate::fhir::{concept_title, labels_of};
use crate::record::{Record, Stored};

/// So many of each part; a longer list is one that nobody reads.
const MOST: usize = 100;

type AllWork<'a> = BTreeMap<String, Vec<Existing<'a>>>;

/// Fills what rules of the set gather into the work that they ask for.
pub fn gather(set: &ProtocolSet, facts: &Facts<'_>, existing: &AllWork<'_>, desired: &mut [Desired]) {
    let places: Vec<usize> =
        (0..desired.len()).filter(|at| desired.get(*at).is_some_and(|one| rule_of(set, one).is_some())).collect();
    for at in places {
        let Some((gathering, one)) = desired.get(at).and_then(|one| Some((rule_of(set, one)?, one))) else { continue }; // Nothing lost: chosen above.
        let there = existing.get(&one.work.key()).and_then(|works| works.first());
        if let Some(ended) =
            there.filter(|there| there.is_ended() && (one.outcome != Outcome::Open || there.is_touched()))
        {
            let former = &ended.stored.resource;
            let kept = ["input", "description"].map(|name| (name, former.get(name).cloned().unwrap_or(Value::Null)));
            if let Some(one) = desired.get_mut(at) {
                kept.into_iter().for_each(|(name, value)| one.resource.set(name, value));
            }
            // Nothing lost: work that has ended holds what it held then.
            continue;
        }
        let found = Found { set, facts, existing, desired, until: authored(facts, one), gathering };
        let (inputs, words) = found.all();
        if let Some(one) = desired.get_mut(at) {
            let text = one.resource.text("description").unwrap_or_default().to_string();
            one.resource.set("description", json!(format!("{text} {words}")));
            one.sources.extend(inputs.iter().map(|(_, reference)| reference.clone()));
            let inputs: Vec<Value> = inputs.iter().map(|(part, reference)| input(*part, reference)).collect();
            one.resource.set("input", if inputs.is_empty() { Value::Null } else { Value::Array(inputs) });
        }
    }
}

fn rule_of<'s>(set: &'s ProtocolSet, desired: &Desired) -> Option<&'s Gathering> {
    let protocol = set.protocol(&desired.work.protocol)?;
    protocol.tasks.iter().find(|rule| rule.id == desired.work.rule)?.gathers.as_ref()
}

/// When it was triggered, which its Task says.
fn authored(facts: &Facts<'_>, desired: &Desired) -> Timestamp {
    desired.resource.text("authoredOn").and_then(|text| facts.moment(text)).unwrap_or(facts.now)
}

fn input(part: Part, reference: &str) -> Value {
    let coding = json!({ "system": names::GATHERED, "code": part.code() });
    json!({ "type": { "coding": [coding], "text": part.one() }, "valueReference": { "reference": reference } })
}

struct Found<'f, 'a> {
    set: &'f ProtocolSet,
    facts: &'f Facts<'a>,
    existing: &'f AllWork<'a>,
    desired: &'f [Desired],
    until: Timestamp,
    gathering: &'f Gathering,
}

impl Found<'_, '_> {
    /// Each thing with its part, and the sentence that tells how many of each.
    fn all(&self) -> (Vec<(Part, String)>, String) {
        let (mut inputs, mut told) = (Vec::new(), Vec::new());
        for part in &self.gathering.parts {
            let found = match part {
                Part::Goals => self.goals(),
                Part::Questions => self.questions(),
                Part::Readings => self.readings(),
                Part::Events => self.events(),
            };
            let count = found.len();
            // Nothing lost: the sentence says of how many these are the first.
            let some = if count > MOST { format!("the first {MOST} of ") } else { String::new() };
            told.push(format!("{some}{count} {}", if count == 1 { part.one() } else { part.many() }));
            // Nothing lost: as said above.
            inputs.extend(found.into_iter().take(MOST).map(|reference| (*part, reference)));
        }
        let span = self.gathering.over;
        let mut words = format!(
            "Gathered for it, of {span} until {}: {}. What is for fewer eyes is not among it.",
            self.facts.say(self.until),
            told.join(", ")
        );
        if let Some(first) = self.unread() {
            words.push_str(&format!(" Readings before {} were not looked at.", self.facts.say(first)));
        }
        (inputs, words)
    }

    fn from(&self) -> Timestamp {
        self.gathering.over.opens(self.until, self.facts.zone)
    }

    fn is_within(&self, at: Timestamp) -> bool {
        (self.from()..=self.until).contains(&at)
    }

    /// Of a record with very many readings the oldest are not read; since when there are all, where that is later than asked.
    fn unread(&self) -> Option<Timestamp> {
        let record = self.facts.record;
        let first = record.resources.observed_first().filter(|_| record.truncated)?;
        (self.gathering.parts.contains(&Part::Readings) && first > self.from()).then_some(first)
    }

    /// What is asked for will have no label.
    fn is_plain_new(&self, one: &Desired) -> bool {
        self.set.implied(&one.work.protocol, &one.work.rule).is_empty() && are_plain(self.facts.record, &one.sources)
    }

    /// The goals that are not over, in the patient's order.
    fn goals(&self) -> Vec<String> {
        let is_open = |stored: &&Stored| {
            let status = stored.resource.text("lifecycleStatus").unwrap_or_default();
            let is_over = matches!(status, "cancelled" | "entered-in-error" | "rejected" | "completed");
            stored.state.superseded.is_none() && !is_over && is_plain(stored)
        };
        let place = |stored: &Stored| Some(stored.resource.get("priority")?.get("text")?.as_str()?.parse::<u32>());
        // Nothing lost: a place that is no number is none, and the goal stands after those with one.
        let rank = |stored: &Stored| place(stored).and_then(Result::ok);
        let mut open: Vec<&Stored> = self.facts.record.of_type("Goal").filter(is_open).collect();
        let since = |stored: &Stored| stored.resource.text("startDate").unwrap_or_default().to_string();
        open.sort_by_cached_key(|stored| (rank(stored).unwrap_or(u32::MAX), since(stored), stored.id));
        open.into_iter().map(name).collect()
    }

    /// The questions that wait now, of all protocols.
    fn questions(&self) -> Vec<String> {
        let asked =
            self.desired.iter().filter(|one| one.resource.resource_type() == "Flag" && one.outcome == Outcome::Open);
        let waits = asked.filter_map(|one| {
            let there = self.existing.get(&one.work.key()).and_then(|works| works.first());
            let is_ended = there.is_some_and(|there| there.is_touched() && there.is_ended());
            let is_plain = self.is_plain_new(one) && there.is_none_or(|there| is_plain_work(self.facts.record, there));
            // Nothing lost: what a person ended waits no more, and what has a label is said not to be among it.
            (is_plain && !is_ended).then(|| format!("Flag/{}", there.map_or(one.id, |there| there.stored.id)))
        });
        waits.collect()
    }

    /// The newest of each kind of reading in the time, by what was measured.
    fn readings(&self) -> Vec<String> {
        let mut newest: BTreeMap<String, (Timestamp, &Stored)> = BTreeMap::new();
        for stored in self.facts.record.of_type("Observation") {
            let is_said = !matches!(stored.resource.text("status"), Some("cancelled" | "entered-in-error"));
            let at = taken_at(self.facts, stored).filter(|at| self.is_within(*at));
            let (Some(at), Some(kind)) = (at.filter(|_| is_said && stored.state.superseded.is_none()), kind(stored))
            else {
                // Nothing lost: it was not in the time, was taken back, or says nothing of what was measured.
                continue;
            };
            if is_plain(stored) && newest.get(&kind).is_none_or(|(then, other)| (*then, other.id) < (at, stored.id)) {
                newest.insert(kind, (at, stored));
            }
        }
        newest.into_values().map(|(_, stored)| name(stored)).collect()
    }

    /// Emergency visits and stays that began in the time, and alerts that were raised, oldest first.
    fn events(&self) -> Vec<String> {
        let mut found: BTreeSet<(Timestamp, String)> = BTreeSet::new();
        let visits = self.facts.visits.iter().filter(|visit| visit.is_real());
        for visit in visits.filter(|visit| visit.class == "EMER" || STAYS.contains(&visit.class)) {
            let start = visit.start.filter(|at| self.is_within(*at) && is_plain(visit.stored));
            found.extend(start.map(|at| (at, name(visit.stored))));
        }
        for one in self.existing.values().filter_map(|works| works.first()) {
            let raised = one.work.raised.filter(|at| self.is_within(*at) && one.work.level.is_some());
            let raised = raised.filter(|_| is_plain_work(self.facts.record, one) && one.status() != "entered-in-error");
            found.extend(raised.map(|at| (at, name(one.stored))));
        }
        for one in self.desired.iter().filter(|one| !self.existing.contains_key(&one.work.key())) {
            let is_made = one.work.level.is_some() && matches!(one.outcome, Outcome::Open | Outcome::Done(_));
            let raised = one.work.raised.filter(|at| is_made && self.is_within(*at) && self.is_plain_new(one));
            found.extend(raised.map(|at| (at, format!("Task/{}", one.id))));
        }
        found.into_iter().map(|(_, name)| name).collect()
    }
}

/// What was measured: its code, or its words where it has none.
fn kind(stored: &Stored) -> Option<String> {
    let coded = stored.resource.codings("code").first().map(|(system, code)| format!("{system}|{code}"));
    coded.or_else(|| concept_title(stored.resource.get("code")).map(str::to_string))
}

fn name(stored: &Stored) -> String {
    format!("{}/{}", stored.resource.resource_type(), stored.id)
}

fn is_plain(stored: &Stored) -> bool {
    labels_of(&stored.resource).next().is_none()
}

/// Neither work nor what it tells of has a label.
fn is_plain_work(record: &Record, work: &Existing<'_>) -> bool {
    is_plain(work.stored) && are_plain(record, &work.work.told)
}

fn are_plain(record: &Record, sources: &Sources) -> bool {
    sources.iter().all(|source| {
        let stored = source.split_once('/').and_then(|(kind, id)| record.get(kind, id.parse().ok()?));
        stored.is_none_or(is_plain)
    })
}

impl Gathering {
    /// `the patient's goals, the questions that wait and …`, for a clinician.
    pub fn words(&self) -> String {
        let parts: Vec<&str> = self.parts.iter().map(|part| part.words()).collect();
        format!("{}, of {} until then; anew while it is open", parts.join(", "), self.over)
    }
}

impl Part {
    pub const WORDS: [(&'static str, Self); 4] = [
        ("goals", Self::Goals),
        ("questions", Self::Questions),
        ("readings", Self::Readings),
        ("events", Self::Events),
    ];

    /// As Task.input.type names it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Goals => "goal",
            Self::Questions => "question",
            Self::Readings => "reading",
            Self::Events => "event",
        }
    }

    fn one(self) -> &'static str {
        match self {
            Self::Goals => "goal of their own",
            Self::Questions => "question that waits",
            Self::Readings => "kind of reading",
            Self::Events => "emergency visit, stay or alert",
        }
    }

    fn many(self) -> &'static str {
        match self {
            Self::Goals => "goals of their own",
            Self::Questions => "questions that wait",
            Self::Readings => "kinds of readings",
            Self::Events => "emergency visits, stays and alerts",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Goals => "the patient's goals",
            Self::Questions => "the questions that wait",
            Self::Readings => "the newest reading of each kind",
            Self::Events => "emergency visits, stays and alerts",
        }
    }
}
