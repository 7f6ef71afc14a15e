//! The engine's one question: what does this record owe at this moment? A pure function of the record's state and the
//! clock's reading, never of the message that came; docs/decisions/0002 says why.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::calendar::Calendar;
use super::deadline::Working;
use super::facts::Facts;
use super::model::{Protocol, Who};
use super::reconcile::reconcile;
use super::set::ProtocolSet;
use super::view::{Evaluation, Explained, Practice, View};
use super::work::{Desired, Existing, Outcome, existing_work, place_of};
use super::{alert, doubts, labels, plans, prompts, tasks};
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
    wake: Option<Timestamp>,
}

impl ProtocolSet {
    /// What follows for one patient: changes of protocol-made resources, when to look again, and why in words.
    pub fn evaluate(&self, view: &View<'_>) -> Evaluation {
        let mut findings = Findings::default();
        let mut existing = existing_work(view.record);
        leave_behind(view, &mut existing);
        let weekends = Calendar::weekends();
        let responsible = self.responsible(view, &weekends);
        let zone = responsible.as_ref().map_or(TimeZone::UTC, |responsible| responsible.practice.zone.clone());
        let facts = Facts::of(view.record, self.value_sets(), &zone, view.now);
        match &responsible {
            Some(responsible) if !facts.deceased => {
                for protocol in self.protocols() {
                    let context = Context { protocol, facts: &facts, existing: &existing, responsible };
                    look(&context, &mut findings);
                }
            }
            // The rules still say what they would have asked for, so that work in the record ends with its reason.
            Some(_) => findings.explain_whole("The patient has died: nothing is owed any more."),
            None => findings.explain_whole("The patient is on no panel of a known practice, so nobody here owes work."),
        }
        doubts::tell(&facts, &mut findings.unused);
        let reason = if facts.deceased {
            "the patient has died"
        } else if responsible.is_none() {
            "the patient is on no practice's panel any more"
        } else {
            "what it was owed for is no longer so"
        };
        let mut changes = reconcile(view, &facts, &mut findings, existing, reason);
        labels::flow(self, view, &mut changes);
        let wake_at = findings.wake.filter(|wake| *wake > view.now);
        Evaluation { changes, wake_at, decisions: findings.decisions, unused: findings.unused }
    }

    /// A patient on several panels is owed each piece of work once: by the practice whose panel's name sorts first.
    fn responsible<'a>(&'a self, view: &View<'a>, otherwise: &'a Calendar) -> Option<Responsible<'a>> {
        let mut memberships: Vec<&Membership> = view.memberships.iter().collect();
        memberships.sort_by(|left, right| left.panel.cmp(&right.panel));
        memberships.into_iter().find_map(|membership| {
            let practice = view.practices.get(&membership.panel)?;
            let calendar = practice.calendar.as_deref().and_then(|name| self.calendar(name)).unwrap_or(otherwise);
            Some(Responsible { practice, membership, calendar })
        })
    }
}

/// Marks what was taken on in a practice on whose panel the patient is no more: who is responsible now has to be asked.
fn leave_behind(view: &View<'_>, existing: &mut BTreeMap<String, Vec<Existing<'_>>>) {
    let practices = || view.memberships.iter().filter_map(|membership| view.practices.get(&membership.panel));
    for one in existing.values_mut().flatten().filter(|one| one.is_touched() && !one.is_ended()) {
        // Nothing lost: a Flag or a plan is no practice's own.
        let Some(owner) = one.stored.resource.get("owner") else { continue };
        one.is_left = !practices().any(|practice| practice.is_owner(owner));
    }
}

/// One protocol for one patient.
fn look(context: &Context<'_>, findings: &mut Findings) {
    let protocol = context.protocol;
    if !context.includes(&protocol.who, findings) {
        return;
    }
    tasks::owe(context, findings);
    alert::owe(context, findings);
    prompts::owe(context, findings);
    plans::owe(context, findings);
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

    /// Whether the patient belongs to a group now; a birthday that will change it is a reason to wake.
    pub fn includes(&self, who: &Who, findings: &mut Findings) -> bool {
        if let Some(turn) = self.facts.next_birthday(who) {
            findings.wake(turn);
        }
        self.facts.belongs(who, self.now()).0
    }

    /// The work of a rule that is already there, in order of key.
    pub fn existing_of(&self, rule: &str) -> Vec<&'a Existing<'a>> {
        let start = super::work::key(&self.protocol.name, rule, "");
        let of_rule = self.existing.range(start.clone()..).take_while(move |(key, _)| key.starts_with(&start));
        of_rule.flat_map(|(_, works)| works).collect()
    }

    pub fn existing_at(&self, rule: &str, anchor: &str) -> Option<&'a Existing<'a>> {
        self.existing.get(&super::work::key(&self.protocol.name, rule, anchor))?.first()
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

    fn explain_whole(&mut self, words: &str) {
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
