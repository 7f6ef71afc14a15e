//! The one door through which stored resources leave over HTTP, and through which partners write: what the agreements say of
//! each, and the audit of it, durable before anything is shown or done. Nothing else in this folder can make a `Shown`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::answer::Fault;
use super::client::Client;
use super::found_by::FoundBy;
use super::service::Service;
pub use super::terms::Terms;
use crate::agreement::{self, ANY, Decision, Exit, Offer, Question};
use crate::fhir::{Resource, add_labels, is_deleted, labels_of};
use crate::identity::{PersonId, ResourceId};
use crate::pipeline::{Covered, covered, protection_of_visit, visits_of};
use crate::profile::claim_what_is_met;
use crate::record::Stored;
use crate::site::Site;
use crate::store::{AuditEntry, StoreError};

/// A resource as this client may see it.
#[derive(Debug, Clone)]
pub struct Shown {
    id: String,
    version: u64,
    updated: Timestamp,
    resource: Resource,
}

impl Shown {
    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn updated(&self) -> Timestamp {
        self.updated
    }

    /// Whoever wrote it took it back as a whole.
    pub fn is_deleted(&self) -> bool {
        is_deleted(&self.resource)
    }

    pub fn resource(&self) -> &Resource {
        &self.resource
    }

    /// The same under the id by which it was asked for (http://hl7.org/fhir/R4/http.html#read): that of the address.
    pub fn called(mut self, id: &str) -> Self {
        self.resource.set("id", Value::from(id));
        self.id = id.to_string();
        self
    }

    pub fn into_resource(self) -> Resource {
        self.resource
    }
}

/// What the agreements say of one resource. Outsiders are not told why one is denied, nor that it is there; the audit has it.
#[derive(Debug)]
pub enum Verdict {
    Shown(Box<Shown>),
    Denied,
}

/// Reads on behalf of one partner. `finish` must be called before anything is sent.
pub struct Reader<'a> {
    service: &'a Service,
    partner: &'a str,
    exit: Exit,
    site: Arc<Site>,
    now: Timestamp,
    /// Each patient met so far.
    patients: HashMap<PersonId, Covered>,
    /// What protects each visit met so far.
    visits: HashMap<ResourceId, Vec<Value>>,
    /// Members of Groups met so far, and whether they are this partner's to read.
    members: HashMap<ResourceId, bool>,
    audit: Vec<AuditEntry>,
    /// What was counted: whose, whether for this partner, why, and how many.
    counted: BTreeMap<(Option<PersonId>, bool, String), usize>,
}

/// A decision, and whether the resource was found by something that the partner may not see.
struct Weighed {
    decision: Decision,
    found_by_hidden: bool,
    /// Whether it claims, as it leaves, the profiles that were asked for.
    is_match: bool,
    /// A Group without the members that the partner may not know of.
    reduced: Option<Resource>,
}

impl Weighed {
    fn is_shown(&self) -> bool {
        self.is_match && self.decision.is_allowed() && !self.found_by_hidden
    }

    fn because(&self) -> String {
        let because = explain(&self.decision);
        if self.found_by_hidden { format!("{because}, and it was searched by one of them") } else { because }
    }
}

impl<'a> Reader<'a> {
    pub fn new(service: &'a Service, client: &'a Client, exit: Exit) -> Self {
        let (site, now) = (service.gateway.site.load_full(), service.gateway.clock.now());
        let (patients, visits, members) = (HashMap::new(), HashMap::new(), HashMap::new());
        let (audit, counted) = (Vec::new(), BTreeMap::new());
        Self { service, partner: &client.partner, exit, site, now, patients, visits, members, audit, counted }
    }

    /// Decides about one resource and remembers that it did.
    pub async fn judge(&mut self, stored: Stored) -> Result<Verdict, Fault> {
        self.judge_found(stored, &FoundBy::default()).await
    }

    /// The same for a resource that was found by these elements: when one of them is left out for the partner, finding it
    /// would tell what it holds.
    pub async fn judge_found(&mut self, stored: Stored, by: &FoundBy) -> Result<Verdict, Fault> {
        let weighed = self.weigh(&stored, by).await?;
        if !weighed.is_match {
            return Ok(Verdict::Denied);
        }
        self.remember(action(self.exit), &stored, weighed.is_shown(), weighed.because());
        let resource = weighed.reduced.as_ref().unwrap_or(&stored.resource);
        let released = weighed.decision.released(resource).filter(|_| weighed.is_shown());
        let Some(mut resource) = released else { return Ok(Verdict::Denied) };
        self.remember_members(&stored, &resource);
        // What it meets is asked of what leaves: an element that an agreement takes away may be one that a profile wants.
        claim_what_is_met(&mut resource, &self.site.profiles);
        let Stored { id, version, updated, .. } = stored;
        Ok(Verdict::Shown(Box::new(Shown { id: id.to_string(), version, updated, resource })))
    }

    /// Whether a resource would be shown if there were room for it. Only a denial is remembered: the rest comes when it is.
    pub async fn would_show(&mut self, stored: &Stored, by: &FoundBy) -> Result<bool, Fault> {
        let weighed = self.weigh(stored, by).await?;
        if weighed.is_match && !weighed.is_shown() {
            self.remember(action(self.exit), stored, false, weighed.because());
        }
        Ok(weighed.is_shown())
    }

    /// Whether a resource is in a number that this partner is told. Remembered is how many of whom.
    pub async fn counts(&mut self, stored: &Stored, by: &FoundBy) -> Result<bool, Fault> {
        let weighed = self.weigh(stored, by).await?;
        if !weighed.is_match {
            return Ok(false);
        }
        let (is_shown, person) = (weighed.is_shown(), stored.id.person);
        let person = (is_shown && person != PersonId::SHARED).then_some(person);
        *self.counted.entry((person, is_shown, weighed.because())).or_default() += 1;
        Ok(is_shown)
    }

    /// Does for an id that leads nowhere what is done for a resource that is denied, so that one takes as long as the other.
    pub async fn seek_in_vain(&mut self, resource_type: &str, id: ResourceId) -> Result<(), Fault> {
        self.find_patient(id.person).await?;
        if resource_type == "Observation" {
            self.find_visit(id).await?;
        }
        self.note(
            format!("{resource_type}/{id}"),
            None,
            false,
            "there is no such resource".to_string(),
            action(self.exit),
        );
        Ok(())
    }

    async fn find_patient(&mut self, person: PersonId) -> Result<(), Fault> {
        if !self.patients.contains_key(&person) {
            let found = covered(&*self.service.gateway.store, person).await?;
            self.patients.insert(person, found);
        }
        Ok(())
    }

    async fn find_visit(&mut self, visit: ResourceId) -> Result<(), Fault> {
        if !self.visits.contains_key(&visit) {
            let found = protection_of_visit(&*self.service.gateway.store, visit).await?;
            self.visits.insert(visit, found);
        }
        Ok(())
    }

    fn panels(&self, person: PersonId) -> Vec<&str> {
        let panels = self.patients.get(&person).map(|patient| patient.panels.as_slice()).unwrap_or_default();
        panels.iter().map(String::as_str).collect()
    }

    async fn weigh(&mut self, stored: &Stored, by: &FoundBy) -> Result<Weighed, Fault> {
        let person = stored.id.person;
        self.find_patient(person).await?;
        for visit in visits_of(&stored.resource) {
            self.find_visit(visit).await?;
        }
        let mut decision = self.decide(stored).await?;
        if stored.resource.resource_type() == "Binary" && decision.is_allowed() {
            decision = self.as_its_document(stored, decision).await?;
        }
        let mut found_by_hidden = matches!(&decision.verdict, agreement::Verdict::Without(form)
            if by.elements.iter().any(|element| form.hides(element)));
        let reduced = self.reduced(&stored.resource).await?;
        if let Some(resource) = &reduced {
            // Who finds none of these by anything that may be left out learns nothing of it.
            found_by_hidden |= by.elements.iter().any(|one| one == ANY);
            found_by_hidden |= !by.still_find(&Stored { resource: resource.clone(), ..stored.clone() });
        }
        let shown = reduced.as_ref().unwrap_or(&stored.resource);
        // What is not let out is as good as a match: it is denied, and on record.
        let claims = |mut resource: Resource| {
            claim_what_is_met(&mut resource, &self.site.profiles);
            by.are_claimed_by(&resource)
        };
        let is_match = by.profiles.is_empty() || decision.released(shown).is_none_or(claims);
        Ok(Weighed { decision, found_by_hidden, is_match, reduced })
    }

    /// A Group as this partner may see it, where that is not all of it.
    async fn reduced(&mut self, resource: &Resource) -> Result<Option<Resource>, Fault> {
        if resource.resource_type() != "Group" {
            return Ok(None);
        }
        for id in agreement::patients_in(resource) {
            if !self.members.contains_key(&id) {
                let patient = self.service.gateway.store.resource("Patient", id).await?;
                self.find_patient(id.person).await?;
                let is_theirs = match &patient {
                    Some(patient) => self.decide(patient).await?.is_allowed(),
                    None => false,
                };
                self.members.insert(id, is_theirs);
            }
        }
        Ok(agreement::without_others(resource, &|id| self.members.get(&id) == Some(&true)))
    }

    /// Of each member that they are in a Group is told about them.
    fn remember_members(&mut self, stored: &Stored, shown: &Resource) {
        if shown.resource_type() == "Group" {
            let subject = format!("Group/{}/_history/{}", stored.id, stored.version);
            for id in agreement::patients_in(shown) {
                let because = "a member of it, whom this partner may read".to_string();
                self.note(subject.clone(), Some(id.person), true, because, action(self.exit));
            }
        }
    }

    async fn decide(&self, stored: &Stored) -> Result<Decision, StoreError> {
        let panels = self.panels(stored.id.person);
        let (resource, now) = (&self.as_labelled_now(stored).await?, self.now);
        let question = Question { partner: self.partner, exit: self.exit, resource, panels: &panels, now };
        Ok(self.site.agreements.decide(&question))
    }

    /// A Binary is never seen beyond what it belongs to (http://hl7.org/fhir/R4/binary.html#security).
    async fn as_its_document(&mut self, stored: &Stored, decision: Decision) -> Result<Decision, Fault> {
        let store = self.service.gateway.store.clone();
        let mut named = stored.resource.get("securityContext").and_then(|named| named.get("reference")?.as_str());
        let mut owner = None;
        // What was joined with another is that one.
        if let Some((kind, id)) = named.take().and_then(|reference| reference.split_once('/'))
            && let Ok(id) = id.parse::<ResourceId>()
        {
            owner = store.resource(kind, id).await?;
            if let Some(by) = owner.as_ref().and_then(|owner| owner.state.superseded) {
                owner = store.resource(kind, by).await?;
            }
        }
        let Some(owner) = owner.filter(|owner| !is_deleted(&owner.resource)) else {
            let because = "what it belongs to is not here any more".to_string();
            return Ok(Decision { verdict: agreement::Verdict::Denied, because, ..decision });
        };
        self.find_patient(owner.id.person).await?;
        for visit in visits_of(&owner.resource) {
            self.find_visit(visit).await?;
        }
        let of_owner = self.decide(&owner).await?;
        Ok(match &of_owner.verdict {
            agreement::Verdict::Allowed => decision,
            agreement::Verdict::Without(form) if !form.hides("content") => decision,
            agreement::Verdict::Denied => of_owner,
            _ => Decision { verdict: agreement::Verdict::Denied, ..of_owner },
        })
    }

    /// A version of the past has the labels of today, too: what was found to be sensitive since was so then. And all that is
    /// told of a protected patient or visit is protected.
    async fn as_labelled_now(&self, stored: &Stored) -> Result<Resource, StoreError> {
        let mut resource = stored.resource.clone();
        if self.exit == Exit::History {
            let current = self.service.gateway.store.resource(resource.resource_type(), stored.id).await?;
            let labels: Vec<_> = current.iter().flat_map(|current| labels_of(&current.resource)).cloned().collect();
            add_labels(&mut resource, &labels);
        }
        if let Some(patient) = self.patients.get(&stored.id.person) {
            add_labels(&mut resource, &patient.protection);
        }
        for labels in visits_of(&stored.resource).iter().filter_map(|visit| self.visits.get(visit)) {
            add_labels(&mut resource, labels);
        }
        Ok(resource)
    }

    /// Whether the partner may write this (`Flag.status`) to a resource; the refusal, when it may not.
    pub async fn admit(&mut self, stored: &Stored, what: &str) -> Result<Result<(), Fault>, Fault> {
        self.find_patient(stored.id.person).await?;
        let panels = self.panels(stored.id.person);
        let offer = Offer::of(self.partner, what, &panels, self.now);
        let decision = self.site.agreements.admits(&offer);
        let allowed = decision.is_allowed();
        self.remember("write", stored, allowed, explain(&decision));
        Ok(if allowed {
            Ok(())
        } else {
            Err(Fault::forbidden(format!("no agreement lets {} send {what}", self.partner)))
        })
    }

    fn remember(&mut self, action: &str, stored: &Stored, allowed: bool, because: String) {
        let person = stored.id.person;
        let subject = format!("{}/{}/_history/{}", stored.resource.resource_type(), stored.id, stored.version);
        let person = (person != PersonId::SHARED).then_some(person);
        self.note(subject, person, allowed, because, action);
    }

    fn note(&mut self, subject: String, person: Option<PersonId>, allowed: bool, because: String, action: &str) {
        let (agent, action) = (self.partner.to_string(), action.to_string());
        self.audit.push(AuditEntry { at: self.now, agent, action, person, subject, allowed, because });
    }

    /// Makes the audit durable (or keeps it while the store cannot be written to); only then may what was judged be shown. Where nothing was found, that is written too: it takes
    /// as long as finding what is denied. `subject` says what was asked for.
    pub async fn finish(mut self, subject: &str) -> Result<(), Fault> {
        for ((person, allowed, because), count) in std::mem::take(&mut self.counted) {
            self.note(subject.to_string(), person, allowed, format!("{count} counted: {because}"), "count");
        }
        if self.audit.is_empty() {
            self.note(
                subject.to_string(),
                None,
                true,
                "there was nothing to decide about".to_string(),
                action(self.exit),
            );
        }
        self.service.gateway.write_audit(self.audit).await?;
        Ok(())
    }
}

fn action(exit: Exit) -> &'static str {
    match exit {
        Exit::Search => "search",
        Exit::History => "history",
        Exit::Card => "card",
        _ => "read",
    }
}

/// In words, with the line of the agreement.
fn explain(decision: &Decision) -> String {
    match &decision.at {
        Some(at) => format!("{} ({}:{})", decision.because, at.file, at.line),
        None => decision.because.clone(),
    }
}
