//! What rules look at, and what they find.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::calendar::Calendar;
use super::deadline::Working;
use super::facts::Facts;
use super::memory::Memory;
use super::model::Protocol;
use super::view::{Explained, Practice};
use super::who::Who;
use super::work::{Desired, Existing, Outcome, key, place_of};
use crate::identity::ResourceId;
use crate::problem::Problem;
use crate::record::{Membership, Stored};
use crate::yaml::Mark;

/// Everything one protocol looks at.
pub struct Context<'a> {
    pub protocol: &'a Protocol,
    pub facts: &'a Facts<'a>,
    pub existing: &'a BTreeMap<String, Vec<Existing<'a>>>,
    pub responsible: &'a Responsible<'a>,
}

/// The practice that owes the work, and how it knows the patient.
pub struct Responsible<'a> {
    pub practice: &'a Practice,
    pub membership: &'a Membership,
    pub calendar: &'a Calendar,
}

/// What the rules found, before it is compared with what is there.
#[derive(Default)]
pub struct Findings {
    pub desired: Vec<Desired>,
    /// Keys of work that cannot be judged now and is left as it is.
    pub kept: BTreeSet<String>,
    /// How work ends that nobody owes any more, by key, where a rule knows it better than "it is no longer so".
    pub endings: BTreeMap<String, Outcome>,
    pub decisions: Vec<Explained>,
    /// What the rules could not use or judge.
    pub unused: Vec<Problem>,
    pub wake: Option<Timestamp>,
    /// What was seen of the record before.
    pub memory: Memory,
}

impl<'a> Context<'a> {
    pub fn working(&self) -> Working<'a> {
        Working { zone: &self.responsible.practice.zone, calendar: self.responsible.calendar }
    }

    pub fn now(&self) -> Timestamp {
        self.facts.now
    }

    /// Whether the input that is being looked at brought this. What cannot be used is said then, and not at each later look.
    pub fn is_news(&self, stored: &Stored) -> bool {
        stored.updated == self.now()
    }

    /// Whether the patient belongs to a group now; a birthday or a week of pregnancy that will change it is a reason to wake.
    pub fn includes(&self, who: &Who, findings: &mut Findings) -> bool {
        if let Some(turn) = self.facts.next_birthday(who) {
            findings.wake(turn);
        }
        if let Some(turn) = self.facts.next_week_of(who.pregnant, who.weeks) {
            findings.wake(turn);
        }
        self.facts.belongs(who, self.now()).0
    }

    /// The work of a rule that is already there, in order of key.
    pub fn existing_of(&self, rule: &str) -> Vec<&'a Existing<'a>> {
        let start = key(&self.protocol.name, rule, "");
        let of_rule = self.existing.range(start.clone()..).take_while(move |(key, _)| key.starts_with(&start));
        of_rule.flat_map(|(_, works)| works).collect()
    }

    pub fn existing_at(&self, rule: &str, anchor: &str) -> Option<&'a Existing<'a>> {
        self.existing.get(&key(&self.protocol.name, rule, anchor))?.first()
    }
}

impl Findings {
    /// The answer changes at this moment.
    pub fn wake(&mut self, at: Timestamp) {
        self.wake = Some(self.wake.map_or(at, |earlier| earlier.min(at)));
    }

    /// Rules of one file look at the same things; one cause is said once.
    pub fn say(&mut self, problem: Problem) {
        if !self.unused.contains(&problem) {
            self.unused.push(problem);
        }
    }

    pub fn explain(
        &mut self,
        context: &Context<'_>,
        (rule, mark): (&str, &Mark),
        about: Option<ResourceId>,
        applied: bool,
        words: String,
    ) {
        self.decisions.push(Explained {
            protocol: context.protocol.name.clone(),
            rule: rule.to_string(),
            place: place_of(mark),
            words,
            about,
            work: None,
            applied,
        });
    }

    pub fn explain_whole(&mut self, words: &str) {
        self.decisions.push(Explained {
            protocol: String::new(),
            rule: String::new(),
            place: String::new(),
            words: words.to_string(),
            about: None,
            work: None,
            applied: false,
        });
    }
}
