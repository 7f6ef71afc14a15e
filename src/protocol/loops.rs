//! Referrals as a board of them needs them: how far each has come, until when the rules in force let it stand there, and the open
//! work about it. A referral is closed when its report was read, which is when the work that asks for that was done.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::barriers::{Barrier, barriers};
use super::calendar::Calendar;
use super::context::Responsible;
use super::deadline::Working;
use super::facts::Facts;
use super::memory::Memory;
use super::model::{TaskRule, Trigger};
use super::referral::Referral;
use super::referrals::{is_of, referrals};
use super::set::ProtocolSet;
use super::stage::Stage;
use super::view::View;
use super::work::{Existing, existing_work};
use crate::identity::ResourceId;

/// One referral that is not closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenReferral {
    /// The ServiceRequest.
    pub request: ResourceId,
    pub what: String,
    pub to: String,
    pub stage: Stage,
    /// Since when it is there; of an appointment, when it is.
    pub since: Timestamp,
    /// What was said: why it was rejected, what the appointment is called.
    pub said: String,
    /// Until when the rules let it stand there; none where no rule looks at this stage.
    pub until: Option<Timestamp>,
    /// What stands in its way.
    pub barriers: Vec<Barrier>,
    /// Open Tasks about it.
    pub work: Vec<ResourceId>,
}

impl OpenReferral {
    /// It stands still: no further by itself, or for longer than the rules let it.
    pub fn is_stuck(&self, now: Timestamp) -> bool {
        matches!(self.stage, Stage::Rejected | Stage::Missed) || self.is_late(now)
    }

    pub fn is_late(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until < now)
    }
}

impl ProtocolSet {
    /// The referrals of a patient that are going on, in order of id.
    pub fn open_referrals(&self, view: &View<'_>) -> Vec<OpenReferral> {
        let weekends = Calendar::weekends();
        // Nothing lost: whoever is on no panel has nobody whose referrals they would be.
        let Some(responsible) = self.responsible(view, &weekends) else { return Vec::new() };
        let facts = Facts::of(view.record, self.value_sets(), &responsible.practice.zone, view.now);
        let mut memory = Memory::default();
        let works = existing_work(view.record, &mut |stored| memory.work(stored));
        self.referrals_in(&facts, &works, Some(&responsible))
    }

    /// The same where the facts are at hand; of a patient on no panel without how long a stage may last.
    pub(super) fn referrals_in(
        &self,
        facts: &Facts<'_>,
        works: &BTreeMap<String, Vec<Existing<'_>>>,
        responsible: Option<&Responsible<'_>>,
    ) -> Vec<OpenReferral> {
        let works: Vec<_> = works.values().flatten().collect();
        let working = responsible.map(|one| Working { zone: &one.practice.zone, calendar: one.calendar });
        let barriers = barriers(facts);
        let open = |referral: Referral| {
            let name = referral.name();
            let was_read = works
                .iter()
                .any(|one| one.work.anchor == name && one.stored.resource.text("status") == Some("completed"));
            let (id, until) =
                (referral.request.to_string(), working.and_then(|working| self.until(facts, &referral, working)));
            let is_about = |anchor: &str| anchor.split(':').next() == Some(&*id);
            let about = works.iter().filter(|one| !one.is_ended() && is_about(&one.work.anchor));
            let is_closed = referral.stage == Stage::Reported && (was_read || !self.wants_it_read(facts, &referral));
            (!is_closed).then(|| OpenReferral {
                work: about.map(|one| one.stored.id).collect(),
                until,
                barriers: barriers.iter().filter(|one| one.referral == Some(referral.request)).cloned().collect(),
                request: referral.request,
                what: referral.what,
                to: referral.to,
                stage: referral.stage,
                since: referral.since,
                said: referral.said,
            })
        };
        referrals(facts).into_iter().filter_map(open).collect()
    }

    /// Whether a rule wants the report of this referral read.
    pub(super) fn wants_it_read(&self, facts: &Facts<'_>, referral: &Referral) -> bool {
        self.rules_at(Stage::Reported, facts, referral).next().is_some()
    }

    /// When the first rule about the stage that a referral stands in asks for work, or wants its work done.
    fn until(&self, facts: &Facts<'_>, referral: &Referral, working: Working<'_>) -> Option<Timestamp> {
        let ends = self.rules_at(referral.stage, facts, referral).filter_map(|rule| match (rule.wait, rule.due) {
            (Some(wait), _) => Some(wait.after(referral.since)),
            (None, due) => due.map(|due| due.due(referral.since, working)),
        });
        ends.min()
    }

    /// The rules about a stage that are about such referrals.
    fn rules_at(&self, at: Stage, facts: &Facts<'_>, referral: &Referral) -> impl Iterator<Item = &TaskRule> {
        let rules = self.protocols().iter().flat_map(|protocol| &protocol.tasks);
        rules.filter(move |rule| {
            matches!(&rule.when, Trigger::Referral { stage, codes } if *stage == at && is_of(facts, referral, codes.as_ref()))
        })
    }
}
