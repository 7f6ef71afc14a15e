//! What partners are told of a record that changed: each change that an agreement lets flow to them, the open work of a patient
//! who came onto a panel of theirs, and the end of what they may not hold any more. Decides nothing by itself.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::carried::carry;
use super::copies::{self, Ending, Newcomer};
use super::render::{Rendering, is_pushable};
use super::visit_events;
use super::working::{Working, version_path};
use crate::agreement::{Decision, Push, Verdict};
use crate::fhir::Resource;
use crate::identity::PersonId;
use crate::record::{Change, Head, Membership, Record, Stored};
use crate::site::Site;
use crate::store::{AuditEntry, NewDelivery, TraceLine, Urgency};

/// One delivery per change and partner that an agreement lets it flow to, in the order of the changes; then what a new panel
/// brings and what the loss of one takes back.
pub(super) fn decide_deliveries(
    site: &Site,
    working: &mut Working,
    now: Timestamp,
    audit: &mut Vec<AuditEntry>,
) -> Vec<NewDelivery> {
    let head = working.record.head.clone();
    let (lines, entries, made) = (Vec::new(), Vec::new(), Vec::new());
    let mut telling = Telling { site, working, head, now, lines, audit: entries, made };
    let panels: Vec<&str> = telling.working.memberships.iter().map(|membership| membership.panel.as_str()).collect();
    let seen = telling.changes(&panels);
    telling.newcomers(&panels);
    telling.endings(&panels);
    let Telling { head, lines, audit: entries, made, .. } = telling;
    for (place, sent) in seen {
        if let Some(change) = working.changes.get_mut(place) {
            change.stored.state.sent = sent;
        }
    }
    working.trace.agreements.extend(lines);
    working.record.head = head;
    audit.extend(entries);
    made
}

/// What is decided for all partners about one record.
struct Telling<'a> {
    site: &'a Site,
    working: &'a Working,
    head: Head,
    now: Timestamp,
    lines: Vec<TraceLine>,
    audit: Vec<AuditEntry>,
    made: Vec<NewDelivery>,
}

impl Telling<'_> {
    /// What was looked at, by its place among the changes, with what each partner sees of it.
    fn changes(&mut self, panels: &[&str]) -> Vec<(usize, BTreeMap<String, String>)> {
        let tells = |change: &Change| change.is_visible() && change.stored.id.person != PersonId::SHARED;
        let mut seen = Vec::new();
        let (site, working) = (self.site, self.working);
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
            for (partner, decision) in site.agreements.pushes(resource, panels, self.now) {
                let subject = version_path(&change.stored);
                let payload = self.payload(partner, resource, &decision);
                if decision.push == Push::Message {
                    let told = change.stored.state.sent.get(partner);
                    let (standing, message) =
                        self.message(partner, (resource, &subject), told, payload.clone(), &decision);
                    sent.extend(standing.map(|standing| (partner.to_string(), standing)));
                    if message.is_some() || payload.is_none() {
                        self.tell(partner, &change.stored, subject, &decision, message);
                    }
                    // Nothing lost: what is no event is in the trace.
                    continue;
                }
                // What is sent on every version, or not at all, needs no memory.
                let is_watched = decision.push == Push::OnChange;
                let looks = payload.as_ref().filter(|_| is_watched).map(digest);
                let is_known = looks.is_some() && change.stored.state.sent.get(partner) == looks.as_ref();
                sent.extend(looks.map(|looks| (partner.to_string(), looks)));
                if is_known && copies::is_held(&self.head, partner, resource) {
                    let words = format!("{subject}: nothing that the partner sees of it has changed");
                    self.lines.push(TraceLine::new(partner, &self::place(&decision), &words));
                    // Nothing lost: the partner has the same already, and the trace says so.
                    continue;
                }
                self.tell(partner, &change.stored, subject, &decision, payload);
            }
            seen.push((place, sent));
        }
        seen
    }

    /// The message of what happened to a visit since this partner was told of it; and how the visit stands by what it was told.
    fn message(
        &mut self,
        partner: &str,
        (visit, subject): (&Resource, &str),
        told: Option<&String>,
        payload: Option<Value>,
        decision: &Decision,
    ) -> (Option<String>, Option<Value>) {
        let now = visit_events::standing(visit);
        let Some(payload) = payload else { return (told.cloned(), None) };
        let message = visit_events::event(told.map(String::as_str), &now);
        if message.is_none() {
            let words = format!("{subject}: nothing happened that the partner is sent a message of");
            self.lines.push(TraceLine::new(partner, &place(decision), &words));
        }
        (Some(now), message.map(|event| visit_events::to_be_sent(event, payload)))
    }

    /// The open work of a patient who came onto a panel of theirs: nothing about it changed, and they know nothing of it.
    fn newcomers(&mut self, panels: &[&str]) {
        let working = self.working;
        let newcomers = copies::bring(&mut self.head, &working.record, &self.site.agreements, panels, self.now);
        for Newcomer { partner, stored, mut decision } in newcomers {
            let payload = self.payload(&partner, &stored.resource, &decision);
            decision.because = format!("the patient came onto a panel of theirs: {}", decision.because);
            self.tell(&partner, stored, version_path(stored), &decision, payload);
        }
    }

    fn endings(&mut self, panels: &[&str]) {
        let working = self.working;
        let endings = copies::take_back(&mut self.head, &working.record, &self.site.agreements, panels, self.now);
        for Ending { partner, subject, resource, agreement, because } in endings {
            self.lines.push(TraceLine::new(&partner, &agreement, &format!("{subject}: {because}")));
            self.audit.push(AuditEntry {
                at: self.now,
                agent: partner.clone(),
                action: "push".to_string(),
                person: Some(self.head.person),
                subject: subject.clone(),
                allowed: true,
                because: because.to_string(),
            });
            let payload = rendered(self.site, (&working.record, &working.memberships), &partner, &resource, true);
            let urgent = is_urgent(&resource);
            let updated = self.now;
            self.deliver(Told { partner: &partner, subject, payload, agreement, ending: true, urgent, updated });
        }
    }

    /// What would be sent; none where nothing may be.
    fn payload(&self, partner: &str, resource: &Resource, decision: &Decision) -> Option<Value> {
        let released = decision.released(resource)?;
        let record = (&self.working.record, &self.working.memberships[..]);
        Some(rendered(self.site, record, partner, &released, false))
    }

    /// Writes a decision down, and makes its delivery where there is something to send.
    fn tell(&mut self, partner: &str, stored: &Stored, subject: String, decision: &Decision, payload: Option<Value>) {
        let resource = &stored.resource;
        self.lines.push(explain(partner, &subject, decision));
        self.audit.push(audit_entry(partner, &self.head, &subject, decision, self.now));
        if let Some(payload) = payload {
            let agreement = place(decision);
            copies::remember(&mut self.head, partner, resource, &agreement);
            let urgent = is_urgent(resource);
            let updated = stored.updated;
            self.deliver(Told { partner, subject, payload, agreement, ending: false, urgent, updated });
        }
    }

    fn deliver(&mut self, told: Told<'_>) {
        let Told { partner, subject, mut payload, agreement, ending, urgent, updated } = told;
        // Of a message, the visit in it.
        let is_message = payload.get("resourceType").is_some_and(|kind| kind == "Bundle");
        let told = if is_message { payload.pointer_mut("/entry/1/resource") } else { Some(&mut payload) };
        let carries = self.site.agreements.carries(partner, &agreement);
        told.into_iter().for_each(|told| carry(told, &carries, &subject, updated));
        let number = self.head.deliveries.get(partner).copied().unwrap_or(0) + 1;
        self.head.deliveries.insert(partner.to_string(), number);
        self.made.push(NewDelivery {
            id: NewDelivery::id_of(partner, self.head.person, number),
            partner: partner.to_string(),
            person: self.head.person,
            number,
            subject,
            agreement,
            payload,
            created: self.now,
            due: self.now,
            message: None,
            ending,
            urgent,
        });
    }
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
    urgent: bool,
    /// When it became what it is.
    updated: Timestamp,
}

/// Work that is not routine goes out before what is.
fn is_urgent(resource: &Resource) -> bool {
    resource.resource_type() == "Task" && Urgency::of(resource) != Urgency::Routine
}

/// What a partner may have of a resource, as it names things.
pub fn rendered(
    site: &Site,
    (record, memberships): (&Record, &[Membership]),
    partner: &str,
    released: &Resource,
    is_ending: bool,
) -> Value {
    let is_theirs = |membership: &&Membership| {
        site.panels.get(&membership.panel).is_some_and(|panel| panel.partner.as_deref() == Some(partner))
    };
    let theirs: Vec<&Membership> = memberships.iter().filter(is_theirs).collect();
    let base_url = &site.settings.base_url;
    let rendering = Rendering { base_url, record, memberships: &theirs, is_ending };
    rendering.render(released)
}

/// The same for two payloads that say the same; it tells of neither what it says.
fn digest(payload: &Value) -> String {
    // Nothing lost: a hash is told apart by its beginning.
    Sha256::digest(payload.to_string()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The line of the agreement that decided.
fn place(decision: &Decision) -> String {
    decision.at.as_ref().map(|mark| format!("{}:{}", mark.file, mark.line)).unwrap_or_default()
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
