//! Why a partner may or may not have what is in a record: the agreements' own words, resource by resource.

use jiff::Timestamp;
use serde::Serialize;

use super::find::Known;
use crate::agreement::{Decision, Exit, Question, Verdict};
use crate::identity::PersonId;
use crate::site::Site;

/// One resource and one partner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    pub partner: String,
    /// `Task/id`
    pub resource: String,
    pub push: String,
    pub read: String,
    pub because: String,
    /// The line of the agreement: `agreements/lakeside-practice.yaml:7`.
    pub place: String,
}

/// Every resource of the record for every partner, or for the one asked for.
pub fn explain_record(site: &Site, known: &Known, partner: Option<&str>, now: Timestamp) -> Vec<Explanation> {
    let panels: Vec<&str> = known.memberships.iter().map(|membership| membership.panel.as_str()).collect();
    let partners = site.partners.keys().filter(|name| partner.is_none_or(|wanted| wanted == *name));
    let resources: Vec<_> =
        known.record.resources.iter().filter(|((_, id), _)| id.person != PersonId::SHARED).collect();
    let mut explanations = Vec::new();
    for partner in partners {
        for ((kind, id), stored) in &resources {
            let ask = |exit| {
                site.agreements.decide(&Question { partner, exit, resource: &stored.resource, panels: &panels, now })
            };
            let (push, read) = (ask(Exit::Push), ask(Exit::Read));
            let decisive = if push.concerns && push.verdict != Verdict::Denied { &push } else { &read };
            explanations.push(Explanation {
                partner: partner.clone(),
                resource: format!("{kind}/{id}"),
                because: decisive.because.clone(),
                place: decisive.at.as_ref().map(|mark| format!("{}:{}", mark.file, mark.line)).unwrap_or_default(),
                push: word(&push),
                read: word(&read),
            });
        }
    }
    explanations
}

fn word(decision: &Decision) -> String {
    match &decision.verdict {
        Verdict::Allowed => "yes".to_string(),
        Verdict::Without(form) => form.words(),
        Verdict::Held(_) => "held".to_string(),
        Verdict::Denied => "no".to_string(),
    }
}
