//! The engine's one question: what does this record owe at this moment? A pure function of the record's state and the
//! clock's reading, never of the message that came; docs/decisions/0002 says why.

use std::collections::BTreeMap;
use std::hash::Hash;

use jiff::tz::TimeZone;

use super::calendar::Calendar;
use super::context::{Context, Findings, Responsible};
use super::facts::Facts;
use super::gather::gather;
use super::inputs::{Inputs, inputs_of};
use super::memory::Memory;
use super::reconcile::reconcile;
use super::set::ProtocolSet;
use super::view::{Evaluation, View};
use super::work::{Existing, existing_work};
use super::{alert, doubts, labels, plans, prompts, tasks, team};
use crate::record::Membership;

impl ProtocolSet {
    /// What follows for one patient: changes of protocol-made resources, when to look again, and why in words.
    pub fn evaluate(&self, view: &View<'_>) -> Evaluation {
        self.look_again(view, &mut Memory::default())
    }

    /// The same for a record of which something is remembered: every change since was told to the memory.
    pub fn look_again(&self, view: &View<'_>, memory: &mut Memory) -> Evaluation {
        let mut findings = Findings { memory: std::mem::take(memory), ..Findings::default() };
        let mut existing = existing_work(view.record, &mut |stored| findings.memory.work(stored));
        leave_behind(view, &mut existing);
        let weekends = Calendar::weekends();
        let responsible = self.responsible(view, &weekends);
        let zone = responsible.as_ref().map_or(TimeZone::UTC, |responsible| responsible.practice.zone.clone());
        let facts = Facts::of(view.record, self.value_sets(), &zone, view.now);
        findings.memory.begin(self.general(&facts, responsible.as_ref()));
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
        doubts::tell(&facts, self.asks_medicines(), &mut findings.unused);
        let reason = if facts.deceased {
            "the patient has died"
        } else if responsible.is_none() {
            "the patient is on no practice's panel any more"
        } else {
            "what it was owed for is no longer so"
        };
        gather(self, &facts, &existing, &mut findings.desired);
        let mut changes = reconcile(view, &facts, &mut findings, existing, reason);
        labels::flow(self, view, &mut changes);
        let wake_at = findings.wake.filter(|wake| *wake > view.now);
        findings.memory.learn(&changes);
        *memory = findings.memory;
        Evaluation { changes, wake_at, decisions: findings.decisions, unused: findings.unused }
    }

    /// A hash of what all answers are made from.
    fn general(&self, facts: &Facts<'_>, responsible: Option<&Responsible<'_>>) -> Inputs {
        let responsible =
            responsible.map(|one| format!("{:?} {:?} {}", one.practice, one.membership, one.calendar.name));
        inputs_of(&[
            &|hasher| (self.generation(), &responsible, facts.deceased).hash(hasher),
            &|hasher| (facts.patient.map(|patient| patient.id), facts.patient_name()).hash(hasher),
            &|hasher| (facts.record.head.person, facts.birth(), team::coach(facts)).hash(hasher),
        ])
    }

    /// A patient on several panels is owed each piece of work once: by the practice whose panel's name sorts first.
    pub(super) fn responsible<'a>(&'a self, view: &View<'a>, otherwise: &'a Calendar) -> Option<Responsible<'a>> {
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
        let Some(owner) = one.work.given_to.as_ref().or(one.stored.resource.get("owner")) else { continue };
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
