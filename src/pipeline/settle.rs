//! From a changed record to everything that follows of it: work by the protocols, deliveries by the agreements. A pure
//! function of the record, the site and the clock's reading; messages, timers and people's actions all end here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::copies::{self, Ending};
use super::render::{Rendering, is_pushable};
use crate::agreement::{Decision, Push, Verdict};
use crate::fhir::Resource;
use crate::identity::PersonId;
use crate::problem::Problem;
use crate::protocol::View;
use crate::record::{Change, Head, Membership, Pressures, Record, Unpaired, pressures, squash};
use crate::site::Site;
use crate::store::{AuditEntry, HeadWrite, NewDelivery, Trace, TraceLine, WriteUnit};

/// A record on its way to the store: as loaded, with the changes made so far already in it.
pub struct Working {
    pub record: Record,
    /// The revision the head had when it was loaded.
    pub revision: u64,
    pub changes: Vec<Change>,
    pub memberships: Vec<Membership>,
    pub trace: Trace,
    /// What the rules could not use or judge and have not told before.
    pub unused: Vec<Problem>,
}

/// What there is to commit, how it came to be, and what could not be used for it.
pub struct Settled {
    pub unit: WriteUnit,
    pub trace: Trace,
    pub unused: Vec<Problem>,
}

impl Working {
    pub fn new(record: Record, memberships: Vec<Membership>) -> Self {
        let revision = record.head.revision;
        Self { record, revision, changes: Vec::new(), memberships, trace: Trace::default(), unused: Vec::new() }
    }

    /// Takes changes into the record, so that what comes next sees them.
    pub fn take(&mut self, changes: Vec<Change>) {
        for change in changes {
            self.record.apply(&change);
            self.changes.push(change);
        }
    }
}

/// Lets the protocols and the agreements have their say, and makes the unit to commit.
pub fn settle(site: &Site, mut working: Working, now: Timestamp) -> Settled {
    put_together(&mut working, now);
    evaluate(site, &mut working, now);
    working.changes = squash(working.changes);
    let mut audit = Vec::new();
    let deliveries = decide_deliveries(site, &mut working, now, &mut audit);
    for change in working.changes.iter().filter(|change| change.is_visible()) {
        working.trace.resources.push(version_path(change));
    }
    working.trace.deliveries = deliveries.iter().map(|delivery| delivery.id.clone()).collect();
    let mut head = working.record.head;
    head.revision = working.revision + 1;
    let unit = WriteUnit {
        heads: vec![HeadWrite { head, replaces: working.revision }],
        changes: working.changes,
        deliveries,
        audit,
        ..WriteUnit::default()
    };
    Settled { unit, trace: working.trace, unused: working.unused }
}

/// Brings what is made from several results up to date with them.
fn put_together(working: &mut Working, now: Timestamp) {
    let Pressures { changes, unpaired } = pressures(&working.record, &working.changes, now);
    for Unpaired { results } in unpaired {
        let about = results.iter().map(|id| format!("Observation/{id}")).collect::<Vec<_>>().join(", ");
        let text = "not put together as a blood pressure panel: nothing tells which of these systolic and diastolic results of one \
                    moment belong together";
        working.trace.decisions.push(TraceLine::new(&about, "", text));
    }
    working.take(changes);
}

fn evaluate(site: &Site, working: &mut Working, now: Timestamp) {
    let practices = site.practices();
    let view = View { record: &working.record, memberships: &working.memberships, practices: &practices, now };
    let evaluation = site.protocols.evaluate(&view);
    working.record.head.wake_at = evaluation.wake_at;
    working.trace.decisions.extend(evaluation.decisions.into_iter().map(|explained| {
        TraceLine::new(&named(&explained.protocol, &explained.rule), &explained.place, &explained.words)
    }));
    let unused = super::notices::new_since(&mut working.record, evaluation.unused);
    working.unused.extend(unused);
    working.take(evaluation.changes);
}

/// What a decision is about; some are about no protocol in particular.
fn named(protocol: &str, rule: &str) -> String {
    if protocol.is_empty() { "protocols".to_string() } else { format!("{protocol}/{rule}") }
}

/// One delivery per change and partner that an agreement lets it flow to, in the order of the changes.
fn decide_deliveries(
    site: &Site,
    working: &mut Working,
    now: Timestamp,
    audit: &mut Vec<AuditEntry>,
) -> Vec<NewDelivery> {
    let panels: Vec<&str> = working.memberships.iter().map(|membership| membership.panel.as_str()).collect();
    let mut made = Vec::new();
    let mut seen = Vec::new();
    let mut head = working.record.head.clone();
    let tells = |change: &Change| change.is_visible() && change.stored.id.person != PersonId::SHARED;
    for (place, change) in working.changes.iter().enumerate().filter(|(_, change)| tells(change)) {
        let resource = &change.stored.resource;
        let mut sent = BTreeMap::new();
        if !is_pushable(resource.resource_type()) {
            // Nothing lost: this type is never sent by itself, whatever an agreement says.
            continue;
        }
        if !change.stored.state.made_of.is_empty() {
            // Nothing lost: the results that it puts together are sent themselves; it would say them twice.
            continue;
        }
        for (partner, decision) in site.agreements.pushes(resource, &panels, now) {
            let subject = version_path(change);
            let released = decision.released(resource);
            let payload = released.map(|released| rendered(site, working, partner, &released, false));
            // What is sent on every version, or not at all, needs no memory.
            let is_watched = decision.push == Push::OnChange;
            let looks = payload.as_ref().filter(|_| is_watched).map(digest);
            let is_known = looks.is_some() && change.stored.state.sent.get(partner) == looks.as_ref();
            sent.extend(looks.map(|looks| (partner.to_string(), looks)));
            if is_known && copies::is_held(&head, partner, resource) {
                let words = format!("{subject}: nothing that the partner sees of it has changed");
                working.trace.agreements.push(TraceLine::new(partner, &self::place(&decision), &words));
                // Nothing lost: the partner has the same already, and the trace says so.
                continue;
            }
            working.trace.agreements.push(explain(partner, &subject, &decision));
            audit.push(audit_entry(partner, &head, &subject, &decision, now));
            if let Some(payload) = payload {
                let agreement = self::place(&decision);
                copies::remember(&mut head, partner, resource, &agreement);
                made.push(delivery(&mut head, Told { partner, subject, payload, agreement, ending: false }, now));
            }
        }
        seen.push((place, sent));
    }
    for (place, sent) in seen {
        if let Some(change) = working.changes.get_mut(place) {
            change.stored.state.sent = sent;
        }
    }
    let endings = copies::take_back(&mut head, &working.record, &site.agreements, &panels, now);
    for Ending { partner, subject, resource, agreement, because } in endings {
        working.trace.agreements.push(TraceLine::new(&partner, &agreement, &format!("{subject}: {because}")));
        audit.push(AuditEntry {
            at: now,
            agent: partner.clone(),
            action: "push".to_string(),
            person: Some(head.person),
            subject: subject.clone(),
            allowed: true,
            because: because.to_string(),
        });
        let payload = rendered(site, working, &partner, &resource, true);
        made.push(delivery(&mut head, Told { partner: &partner, subject, payload, agreement, ending: true }, now));
    }
    working.record.head = head;
    made
}

/// One resource as one partner may have it.
struct Told<'a> {
    partner: &'a str,
    subject: String,
    /// What will be sent.
    payload: Value,
    /// The line of the agreement that allows it.
    agreement: String,
    /// It ends a copy.
    ending: bool,
}

/// What a partner may have of a resource, as it names things.
fn rendered(site: &Site, working: &Working, partner: &str, released: &Resource, is_ending: bool) -> Value {
    let is_theirs = |membership: &&Membership| {
        site.panels.get(&membership.panel).is_some_and(|panel| panel.partner.as_deref() == Some(partner))
    };
    let theirs: Vec<&Membership> = working.memberships.iter().filter(is_theirs).collect();
    let base_url = &site.settings.base_url;
    let rendering = Rendering { base_url, record: &working.record, memberships: &theirs, is_ending };
    rendering.render(released)
}

/// The same for two payloads that say the same; it tells of neither what it says.
fn digest(payload: &Value) -> String {
    // Nothing lost: a hash is told apart by its beginning.
    Sha256::digest(payload.to_string()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn delivery(head: &mut Head, told: Told<'_>, now: Timestamp) -> NewDelivery {
    let Told { partner, subject, payload, agreement, ending } = told;
    let number = head.deliveries.get(partner).copied().unwrap_or(0) + 1;
    head.deliveries.insert(partner.to_string(), number);
    NewDelivery {
        id: NewDelivery::id_of(partner, head.person, number),
        partner: partner.to_string(),
        person: head.person,
        number,
        subject,
        agreement,
        payload,
        created: now,
        due: now,
        message: None,
        ending,
    }
}

/// The line of the agreement that decided.
fn place(decision: &Decision) -> String {
    decision.at.as_ref().map(|mark| format!("{}:{}", mark.file, mark.line)).unwrap_or_default()
}

pub(super) fn version_path(change: &Change) -> String {
    let stored = &change.stored;
    format!("{}/{}/_history/{}", stored.resource.resource_type(), stored.id, stored.version)
}

fn explain(partner: &str, subject: &str, decision: &Decision) -> TraceLine {
    TraceLine::new(partner, &place(decision), &format!("{subject}: {}", decision.because))
}

fn audit_entry(partner: &str, head: &Head, subject: &str, decision: &Decision, now: Timestamp) -> AuditEntry {
    AuditEntry {
        at: now,
        agent: partner.to_string(),
        action: "push".to_string(),
        person: Some(head.person),
        subject: subject.to_string(),
        allowed: decision.verdict != Verdict::Denied,
        because: decision.because.clone(),
    }
}
