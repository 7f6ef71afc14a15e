//! The one door through which stored resources leave over HTTP: what the agreements say of each, and the audit of it,
//! durable before anything is shown. Nothing else in this folder can make a `Shown`.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::answer::Fault;
use super::client::Client;
use super::scope::Scopes;
use super::service::Service;
use crate::fhir::{Identifier, Resource};
use crate::identity::PersonId;
use crate::record::{Membership, Stored};
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

/// Reads on behalf of one client. `finish` must be called before anything is sent.
pub struct Reader<'a> {
    service: &'a Service,
    client: &'a Client,
    site: Arc<Site>,
    now: Timestamp,
    /// `read`, `search`, `history`, `card`
    action: &'static str,
    known: HashMap<PersonId, Vec<Membership>>,
    audit: Vec<AuditEntry>,
}

impl<'a> Reader<'a> {
    pub fn new(service: &'a Service, client: &'a Client, action: &'static str) -> Self {
        let (site, now) = (service.gateway.site.load_full(), service.gateway.clock.now());
        Self { service, client, site, now, action, known: HashMap::new(), audit: Vec::new() }
    }

    /// Decides about one resource and remembers that it did.
    pub async fn judge(&mut self, stored: Stored) -> Result<Verdict, Fault> {
        let person = stored.id.person;
        if !self.known.contains_key(&person) {
            let found = memberships_of(&*self.service.gateway.store, person).await?;
            self.known.insert(person, found);
        }
        let memberships = self.known.get(&person).map(Vec::as_slice).unwrap_or_default();
        let subject = format!("{}/{}", stored.resource.resource_type(), stored.id);
        let decision = decide(&self.site, &self.client.partner, &stored, memberships, self.now);
        let (allowed, because, verdict) = match decision {
            Ok((resource, because)) => {
                let Stored { id, version, updated, .. } = stored;
                let shown = Shown { id: id.to_string(), version, updated, resource };
                (true, because, Verdict::Shown(Box::new(shown)))
            }
            Err(because) => (false, because.clone(), Verdict::Denied(because)),
        };
        self.audit.push(AuditEntry {
            at: self.now,
            agent: self.client.partner.clone(),
            action: self.action.to_string(),
            person: (person != PersonId::SHARED).then_some(person),
            subject,
            allowed,
            because,
        });
        Ok(verdict)
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

/// The panels a patient is on, by any identifier that leads to the record; what belongs to no patient is on none.
async fn memberships_of(store: &dyn Store, person: PersonId) -> Result<Vec<Membership>, StoreError> {
    let identifiers = identifiers_of(store, person).await?;
    if identifiers.is_empty() { Ok(Vec::new()) } else { store.memberships(&identifiers).await }
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
            None => return Ok(head.identifiers),
        }
    }
    Ok(Vec::new())
}

/// The resource as the partner may see it and the line that allows it, or why it may not.
fn decide(
    site: &Site,
    partner: &str,
    stored: &Stored,
    memberships: &[Membership],
    now: Timestamp,
) -> Result<(Resource, String), String> {
    let _ = (site, stored, memberships, now);
    Err(format!("no agreement with {partner} allows this"))
}

/// Takes away scopes of types that no agreement of this partner lets it pull.
pub fn limit_to_agreements(service: &Service, partner: &Partner, scopes: &mut Scopes) {
    let _ = (service, partner);
    scopes.retain_types(|_| true);
}
