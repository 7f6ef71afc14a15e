//! The last look before sending: a delivery that waited is decided anew, with the agreements, the panels and the labels of
//! now. A narrower right shortens or withdraws it, and a wider one adds nothing: what was left out when it was made stays
//! out. What is not sent is kept, and says why.

use jiff::Timestamp;
use serde_json::Value;

use super::message::{self, Rewritten, Sending};
use super::others::was_sent;
use crate::agreement::{Exit, Form, Question, Verdict};
use crate::fhir::{Resource, add_labels, labels_of};
use crate::identity::ResourceId;
use crate::pipeline::{Covered, Gateway, covered_with, protection_of_visit, visits_of};
use crate::record::Stored;
use crate::site::{Partner, Site};
use crate::store::{Delivery, StoreError};

/// What becomes of a delivery now.
pub enum Permission<'s> {
    Send(&'s Partner, &'s str),
    /// This instead, which shows less than what was made; a message that is put together now.
    Rewrite(Rewritten),
    /// Not now; the sentence says why.
    Hold(String),
    /// Not at all: the partner has something newer about the same thing.
    Supersede(&'static str),
    /// Not at all, unless a person or a site that allows it again brings it back.
    Withdraw {
        /// For everybody who looks after deliveries.
        why: String,
        /// For the audit.
        because: String,
    },
}

impl Permission<'_> {
    fn withdraw(why: &str) -> Self {
        Self::Withdraw { why: why.to_string(), because: why.to_string() }
    }
}

/// Decides a delivery anew.
pub async fn decide_anew<'s>(
    gateway: &Gateway,
    site: &'s Site,
    delivery: &Delivery,
    now: Timestamp,
) -> Result<Permission<'s>, StoreError> {
    let Some(partner) = site.partners.get(&delivery.new.partner) else {
        return Ok(Permission::Hold("the site has no such partner now".to_string()));
    };
    let Some(base) = &partner.fhir_base else {
        return Ok(Permission::Hold("the partner has no fhir_base to deliver to".to_string()));
    };
    if delivery.claimed.is_overtaken {
        return Ok(Permission::Supersede("the partner has something newer about it"));
    }
    // What ends a copy at a partner tells it no more than that; it goes because the partner may know nothing else.
    if delivery.new.ending {
        if !was_sent(&*gateway.store, delivery).await? {
            return Ok(Permission::withdraw("the partner was never sent what this ends"));
        }
        let objection = site.agreements.objection(&partner.name, &delivery.new.agreement, now);
        return Ok(objection.map_or(Permission::Send(partner, base), Permission::Hold));
    }
    if !delivery.new.payload.get("resourceType").is_some_and(Value::is_string) {
        // The sender says what is wrong with it.
        return Ok(Permission::Send(partner, base));
    }
    // Asked for only where the version that it tells of is not kept, or less of it may be sent: most are sent as they are.
    let is_message = message::is_message(&delivery.new.payload);
    let made = || {
        let whole = || Resource::try_from(delivery.new.payload.clone()).ok();
        let told = if is_message { message::visit_of(&delivery.new.payload) } else { whole() };
        told.unwrap_or_else(|| Resource::new("Basic"))
    };
    let subject = subject(delivery);
    let current = subject.as_ref().map(|(kind, id, _)| (kind.clone(), *id));
    let (patient, current) = covered_with(&*gateway.store, delivery.new.person, current).await?;
    let version = subject.map_or(0, |(_, _, version)| version);
    let resource = as_it_is_known(gateway, current, version, made, &patient).await?;
    let panels: Vec<&str> = patient.panels.iter().map(String::as_str).collect();
    let question = Question { partner: &partner.name, exit: Exit::Push, resource: &resource, panels: &panels, now };
    let decision = site.agreements.decide(&question);
    if is_message && let Verdict::Allowed | Verdict::Without(_) = &decision.verdict {
        let visit = match &decision.verdict {
            Verdict::Without(form) => form.of(&made()),
            _ => made(),
        };
        let patient = &patient;
        let sending = Sending { gateway, site, partner, fhir_base: base, delivery, patient, now };
        let rewritten = sending.look(visit, &resource).await?;
        return Ok(rewritten.map_or(Permission::Send(partner, base), Permission::Rewrite));
    }
    Ok(match &decision.verdict {
        Verdict::Without(form) if changes(form, &made()) => Permission::Rewrite(Rewritten {
            payload: form.of(&made()).into(),
            result: format!("shortened: the partner may have it {} by now", form.words()),
            because: format!("shortened before it was sent: {}", form.words()),
            is_first: false,
        }),
        Verdict::Allowed | Verdict::Without(_) => Permission::Send(partner, base),
        Verdict::Held(_) => Permission::Hold(decision.waits_for().to_string()),
        // A partner without any agreement may be one whose file is missing for a moment.
        Verdict::Denied if decision.agreement.is_none() => Permission::Hold(decision.because),
        // Which label it is tells what kind of content it is; the audit has it.
        Verdict::Denied if decision.is_kept_back => {
            Permission::Withdraw { why: "a label keeps it back by now".to_string(), because: decision.because }
        }
        Verdict::Denied => Permission::withdraw(&decision.because),
    })
}

/// What a delivery tells of, and in which version; none where its subject names nothing of ours.
fn subject(delivery: &Delivery) -> Option<(String, ResourceId, u64)> {
    let mut parts = delivery.new.subject.split('/');
    let (kind, id, version) = (parts.next()?, parts.next()?.parse().ok()?, parts.nth(1)?);
    // Nothing lost: without a version that is kept, the payload is decided by.
    Some((kind.to_string(), id, version.parse().unwrap_or_default()))
}

/// The version that a delivery tells of, with the labels that it, its patient and its visit have by now; what was made of it, where it is
/// not kept.
async fn as_it_is_known(
    gateway: &Gateway,
    current: Option<Stored>,
    version: u64,
    made: impl Fn() -> Resource,
    patient: &Covered,
) -> Result<Resource, StoreError> {
    let Some(current) = current else {
        // Nothing lost: a subject that names nothing of ours is decided by the payload.
        let mut resource = made();
        add_labels(&mut resource, &patient.protection);
        return Ok(resource);
    };
    let mut labels = patient.protection.clone();
    for visit in visits_of(&current.resource) {
        labels.extend(protection_of_visit(&*gateway.store, visit).await?);
    }
    let mut resource = current.resource;
    if current.version != version {
        labels.extend(labels_of(&resource).cloned());
        let told = gateway.store.version(resource.resource_type(), current.id, version).await?;
        resource = told.map_or_else(made, |told| told.resource);
    }
    add_labels(&mut resource, &labels);
    Ok(resource)
}

fn changes(form: &Form, made: &Resource) -> bool {
    form.of(made) != *made
}
