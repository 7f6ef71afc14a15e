//! What work tells of by its rule: why the patient is among those it is for, and the visits that triggered it.

use super::anchor::Anchor;
use super::context::Context;
use super::facts::Facts;
use super::model::{EncounterTest, TaskRule, Trigger};
use super::reason::Said;
use super::sources::{Sources, of};
use super::visit::Visit;
use super::who::Who;

/// The diagnoses by which the patient is one of these people.
pub fn of_people<'w>(context: &Context<'_>, people: impl IntoIterator<Item = &'w Who>) -> Sources {
    let facts = context.facts;
    let of_one = |who: &Who| {
        let enrolled = who.enrolled.iter().flat_map(|enrolment| facts.enrolments(enrolment));
        let medicines = who.medication.iter().flat_map(|codes| facts.medications(codes));
        let pregnancy = who.asks_pregnancy().then(|| facts.pregnancy(facts.now)).flatten();
        let pregnancy = pregnancy.into_iter().flat_map(|pregnancy| pregnancy.by);
        of(facts.conditions_of(who).into_iter().chain(enrolled).chain(medicines).chain(pregnancy))
    };
    people.into_iter().flat_map(of_one).collect()
}

/// A task tells of the visit that triggered it, of those that it answers as well, and of why the patient is among those whom
/// its rule is for.
pub fn of_task<'n>(
    context: &Context<'_>,
    rule: &TaskRule,
    anchor: &Anchor<'_, '_>,
    also: impl Iterator<Item = &'n str>,
) -> Sources {
    let facts = context.facts;
    let mut sources = of_people(context, [&rule.who, &context.protocol.who]);
    let test = match &rule.when {
        Trigger::Arrival(test)
        | Trigger::Discharge(test)
        | Trigger::Transfer(test)
        | Trigger::Cancelled(test)
        | Trigger::Count { test, .. } => test,
        _ => {
            sources.extend(anchor.told.iter().cloned());
            return sources;
        }
    };
    sources.extend(anchor.visit.into_iter().flat_map(|visit| facts.told_by(visit, test)));
    for name in also {
        // Nothing lost: every name of a visit is its id.
        let visit = name.parse().ok().and_then(|id| facts.visit(id));
        sources.extend(visit.into_iter().flat_map(|visit| facts.told_by(visit, test)));
    }
    if let Trigger::Count { .. } = rule.when {
        // Each of them is one of the count.
        sources.extend(facts.fitting(test).all().flat_map(|visit| facts.told_by(visit, test)));
    }
    sources
}

impl Facts<'_> {
    /// What it is to say of a visit that it fits a test: the encounter, the diagnosis that is its reason, and the diagnoses
    /// that the test asked for.
    pub fn told_by(&self, visit: &Visit<'_>, test: &EncounterTest) -> Sources {
        let asked = |by: &&Said<'_>| test.reasons.iter().any(|reason| reason.is(by, self));
        let fitting = visit.said.iter().filter(asked).map(|said| said.by);
        let before = test.after.as_ref().and_then(|before| self.before(before, visit)).map(|before| before.stored);
        of([visit.stored].into_iter().chain(visit.reason_by).chain(fitting).chain(before))
    }
}
