//! The one door through which stored resources leave over HTTP, and through which partners write: what the agreements say of
//! each, and the audit of it, durable before anything is shown or done. Nothing else in this folder can make a `Shown`.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::answer::Fault;
use super::client::Client;
use super::scope::Scopes;
use super::service::Service;
use crate::agreement::{self, Decision, Exit, Offer, Question, Standing};
use crate::fhir::{Identifier, Resource};
use crate::identity::{PersonId, ResourceId};
use crate::record::Stored;
use crate::site::{Partner, Site};
use crate::store::{AuditEntry, Store, StoreError, WriteUnit};

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

    pub fn into_resource(self) -> Resource {
        self.resource
    }
}

/// What the agreements say of one resource.
#[derive(Debug)]
pub enum Verdict {
    Shown(Box<Shown>),
    /// Why not, naming the agreement.
    Denied(String),
}

/// Reads on behalf of one partner. `finish` must be called before anything is sent.
pub struct Reader<'a> {
    service: &'a Service,
    partner: &'a str,
    exit: Exit,
    site: Arc<Site>,
    now: Timestamp,
    /// The panels of each patient met so far.
    panels: HashMap<PersonId, Vec<String>>,
    audit: Vec<AuditEntry>,
}

impl<'a> Reader<'a> {
    pub fn new(service: &'a Service, client: &'a Client, exit: Exit) -> Self {
        let (site, now) = (service.gateway.site.load_full(), service.gateway.clock.now());
        Self { service, partner: &client.partner, exit, site, now, panels: HashMap::new(), audit: Vec::new() }
    }

    /// Decides about one resource and remembers that it did.
    pub async fn judge(&mut self, stored: Stored) -> Result<Verdict, Fault> {
        self.judge_found(stored, &[]).await
    }

    /// The same for a resource that was found by these elements: when one of them is left out for the partner, finding it
    /// would tell what it holds.
    pub async fn judge_found(&mut self, stored: Stored, asked: &[&str]) -> Result<Verdict, Fault> {
        let panels = self.panels(stored.id.person).await?;
        let panels: Vec<&str> = panels.iter().map(String::as_str).collect();
        let resource = &stored.resource;
        let question = Question { partner: self.partner, exit: self.exit, resource, panels: &panels, now: self.now };
        let decision = self.site.agreements.decide(&question);
        let found_by_hidden = matches!(&decision.verdict, agreement::Verdict::Without(hidden)
            if hidden.iter().any(|path| asked.iter().any(|element| covers(path, element))));
        let released = decision.released(resource).filter(|_| decision.is_allowed() && !found_by_hidden);
        let because = match found_by_hidden {
            true => format!("{}, and it was searched by one of them", explain(&decision)),
            false => explain(&decision),
        };
        self.remember(action(self.exit), &stored, released.is_some(), because);
        let Some(resource) = released else { return Ok(Verdict::Denied(self.tell(&decision))) };
        let Stored { id, version, updated, .. } = stored;
        Ok(Verdict::Shown(Box::new(Shown { id: id.to_string(), version, updated, resource })))
    }

    /// Whether the partner may write this (`Flag.status`) to a resource; the refusal, when it may not.
    pub async fn admit(&mut self, stored: &Stored, what: &str) -> Result<Result<(), Fault>, Fault> {
        let panels = self.panels(stored.id.person).await?;
        let panels: Vec<&str> = panels.iter().map(String::as_str).collect();
        let offer = Offer { partner: self.partner, what, panels: &panels, now: self.now };
        let decision = self.site.agreements.admits(&offer);
        let allowed = decision.is_allowed();
        self.remember("write", stored, allowed, explain(&decision));
        Ok(if allowed {
            Ok(())
        } else {
            Err(Fault::forbidden(format!("no agreement lets {} send {what}", self.partner)))
        })
    }

    async fn panels(&mut self, person: PersonId) -> Result<Vec<String>, StoreError> {
        if let Some(known) = self.panels.get(&person) {
            return Ok(known.clone());
        }
        let found = panels_of(&*self.service.gateway.store, person).await?;
        self.panels.insert(person, found.clone());
        Ok(found)
    }

    fn remember(&mut self, action: &str, stored: &Stored, allowed: bool, because: String) {
        let person = stored.id.person;
        self.audit.push(AuditEntry {
            at: self.now,
            agent: self.partner.to_string(),
            action: action.to_string(),
            person: (person != PersonId::SHARED).then_some(person),
            subject: format!("{}/{}/_history/{}", stored.resource.resource_type(), stored.id, stored.version),
            allowed,
            because,
        });
    }

    /// A denial for outsiders: which agreement, and whether it is in force. Not which label or code stands against it,
    /// since that would tell what is not to be told; the audit has it.
    fn tell(&self, decision: &Decision) -> String {
        let partner = self.partner;
        let Some(name) = &decision.agreement else { return format!("there is no agreement with {partner}") };
        let agreement = self.site.agreements.of(partner).find(|agreement| agreement.name == *name);
        match agreement.map(|agreement| agreement.standing(self.now).0) {
            Some(standing) if standing != Standing::Active => format!("the agreement {name} {}", standing.words()),
            _ => format!("the agreement {name} does not let {partner} have this"),
        }
    }

    /// Makes the audit durable; only then may what was judged be shown.
    pub async fn finish(self) -> Result<(), Fault> {
        if self.audit.is_empty() {
            return Ok(());
        }
        let unit = WriteUnit { audit: self.audit, ..WriteUnit::default() };
        self.service.gateway.store.commit(unit).await?;
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

/// Whether leaving out `path` touches what a search by `element` looks at: one contains the other, or names one type of it
/// (`effective` and `effectiveDateTime`).
fn covers(path: &str, element: &str) -> bool {
    let first = |text: &str| text.split('.').next().unwrap_or_default().to_string();
    let (hidden, asked) = (first(path), first(element));
    hidden == asked
        || asked.strip_prefix(&hidden).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
}

/// The panels a patient is on, by any identifier that leads to the record; what belongs to no patient is on none.
async fn panels_of(store: &dyn Store, person: PersonId) -> Result<Vec<String>, StoreError> {
    let identifiers = identifiers_of(store, person).await?;
    if identifiers.is_empty() {
        return Ok(Vec::new());
    }
    let memberships = store.memberships(&identifiers).await?;
    Ok(memberships.into_iter().map(|membership| membership.panel).collect())
}

async fn identifiers_of(store: &dyn Store, person: PersonId) -> Result<Vec<Identifier>, StoreError> {
    if person == PersonId::SHARED {
        return Ok(Vec::new());
    }
    let mut at = person;
    // A merge leads to a record that itself may have been merged since; a bound keeps a fault from turning in circles.
    for _ in 0..16 {
        let Some(head) = store.head(at).await? else { break };
        match head.merged_into {
            Some(next) => at = next,
            None => {
                let patient = store.resource("Patient", ResourceId::patient(at)).await?;
                let stated = patient.map(|patient| patient.resource.identifiers()).unwrap_or_default();
                return Ok(head.identifiers.into_iter().chain(stated).collect());
            }
        }
    }
    Ok(Vec::new())
}

/// Takes away scopes of types that no agreement of this partner lets it pull.
pub fn limit_to_agreements(service: &Service, partner: &Partner, scopes: &mut Scopes) {
    let site = service.gateway.site.load();
    let lines: Vec<&str> = site
        .agreements
        .of(&partner.name)
        .flat_map(|agreement| agreement.receives.iter().filter(|line| line.pull))
        .map(|line| line.resource.as_str())
        .collect();
    scopes.retain_types(|kind| if kind == "*" { !lines.is_empty() } else { lines.contains(&kind) });
}
