//! Stages of referrals as triggers: the stage that a referral is in, and those that were asked about and have passed.

use crate::protocol::anchor::Anchor;
use crate::protocol::codes::Codes;
use crate::protocol::context::Context;
use crate::protocol::model::TaskRule;
use crate::protocol::referral::Referral;
use crate::protocol::referrals::{is_of, referrals};
use crate::protocol::stage::Stage;

pub fn anchors<'v, 'a>(
    context: &Context<'v>,
    rule: &TaskRule,
    stage: Stage,
    codes: Option<&Codes>,
) -> Vec<Anchor<'v, 'a>>
where
    'v: 'a,
{
    let facts = context.facts;
    let is_asked = |referral: &&Referral| is_of(facts, referral, codes);
    let mut found = Vec::new();
    for referral in facts.referrals(referrals).iter().filter(is_asked) {
        let current = (referral.stage == stage).then(|| referral.name());
        let own = format!("{}:", referral.request);
        let asked = context.existing_of(&rule.id).into_iter().filter(|existing| existing.work.anchor.starts_with(&own));
        // What was asked about an earlier stage, or an earlier appointment, is over.
        let passed = asked.filter(|existing| Some(&existing.work.anchor) != current.as_ref());
        for existing in passed {
            let mut anchor = of(referral, existing.work.anchor.clone());
            // It began when that stage began, not when this one did.
            let since = existing.stored.resource.text("authoredOn").and_then(|text| facts.moment(text));
            anchor.at = since.unwrap_or(anchor.at);
            anchor.over = Some(referral.now_in_words(&facts.say(referral.since)));
            found.push(anchor);
        }
        if let Some(name) = current {
            found.push(Anchor { detail: referral.said.clone(), ..of(referral, name) });
        }
    }
    found
}

fn of<'v, 'a>(referral: &Referral, name: String) -> Anchor<'v, 'a> {
    Anchor {
        about: Some(format!("ServiceRequest/{}", referral.request)),
        referral: Some((referral.what.clone(), referral.to.clone())),
        told: referral.told.clone(),
        ..Anchor::at(name, referral.since)
    }
}
