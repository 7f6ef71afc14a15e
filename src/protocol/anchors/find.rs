//! Each trigger of a rule as an anchor.

use super::{conditions, consents, dates, enrolment, medicines, moves, referrals, silence, visits};
use crate::protocol::anchor::Anchor;
use crate::protocol::context::Context;
use crate::protocol::model::{TaskRule, Trigger};
use crate::protocol::sources;
use crate::protocol::visit::Visit;

/// All triggers of a rule that the record holds.
pub fn anchors<'v, 'a>(context: &Context<'v>, rule: &TaskRule) -> Vec<Anchor<'v, 'a>>
where
    'v: 'a,
    'a: 'v,
{
    let facts = context.facts;
    let real = |test| facts.fitting(test).all().filter(|visit| visit.is_real());
    match &rule.when {
        Trigger::Arrival(test) => real(test).filter_map(|visit| visits::arrival(context, test, visit)).collect(),
        Trigger::Discharge(test) => real(test)
            .filter(|visit| visit.status == "finished")
            .filter_map(|visit| visits::anchor(context, test, visit, visit.end.or(visit.start)?))
            .collect(),
        Trigger::Count { test, at_least, within, each } => {
            let visits: Vec<&Visit<'_>> = real(test).collect();
            visits::counted(&visits, (*at_least, *within), *each)
        }
        Trigger::Answer { prompt, is } => answers(context, prompt, is),
        Trigger::Silence { codes, .. } => silence::anchors(context, rule, codes),
        Trigger::Enrolled { enrolment, every } => enrolment::anchors(context, rule, (enrolment, *every)),
        Trigger::Referral { stage, codes } => referrals::anchors(context, rule, *stage, codes.as_ref()),
        Trigger::Condition(test) => conditions::anchors(context, test),
        Trigger::Consent { codes, becomes } => consents::anchors(context, codes.as_ref(), *becomes),
        Trigger::Medication { codes, becomes } => medicines::anchors(context, codes, *becomes),
        Trigger::Date(on) => dates::anchors(context, rule, *on),
        Trigger::Transfer(test) => real(test).flat_map(|visit| moves::transfers(context, rule, visit)).collect(),
        Trigger::Cancelled(test) => {
            let visits = context.facts.fitting(test).all();
            visits.filter(|visit| visit.status == "cancelled").map(moves::cancelled).collect()
        }
    }
}

fn answers<'v, 'a>(context: &Context<'v>, prompt: &str, is: &[String]) -> Vec<Anchor<'v, 'a>>
where
    'v: 'a,
{
    let flag = context.existing_at(prompt, "");
    let told = sources::of(flag.map(|flag| flag.stored));
    let given = flag.into_iter().flat_map(|existing| &existing.work.answers).filter(|given| is.contains(&given.answer));
    let anchor = |given: &crate::protocol::work::Given| Anchor {
        detail: format!("{} ({})", given.answer, given.by),
        told: told.clone(),
        ..Anchor::at(given.at.to_string(), given.at)
    };
    given.map(anchor).collect()
}
