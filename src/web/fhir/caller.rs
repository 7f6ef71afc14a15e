//! For whom the interface is described (http://hl7.org/fhir/R4/http.html#capabilities): who shows a token is told what holds for its client;
//! nobody has to.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::web::Bytes;

use super::own_ids::takes_ids;
use super::reading::SPECIAL;
use super::table::{Does, OFFERS};
use super::write::admit;
use crate::fhir::search::SERVED;
use crate::fhir::{home_of, is_deletable, is_revised, patient_element, written_types};
use crate::site::Site;
use crate::web::access::Terms;
use crate::web::answer::Fault;
use crate::web::client::{Client, bearer};
use crate::web::offer::{Offer, Who};
use crate::web::scope::Permissions;
use crate::web::service::Service;

/// Whoever asks.
pub struct Caller<'a> {
    service: &'a Service,
    client: Option<Client>,
}

impl<'a> Caller<'a> {
    pub fn of(service: &'a Service, request: &HttpRequest) -> Result<Self, Fault> {
        let client = bearer(request).map(|_| Client::of(service, request)).transpose()?;
        Ok(Self { service, client })
    }

    /// What this caller is told, as a body: made anew for a client, once for anybody.
    pub fn told(&self, site: &Arc<Site>, what: &'static str, make: impl FnOnce() -> String) -> Bytes {
        match self.client {
            Some(_) => make().into(),
            None => self.service.kept.body(site, what, make),
        }
    }

    /// How long what is told may be kept.
    pub fn cached(&self) -> &'static str {
        if self.client.is_some() { "private, max-age=60" } else { "max-age=60" }
    }

    /// What is offered of a type, in the order of the table.
    pub fn offers(&self, kind: &str) -> Vec<&'static Offer<Does>> {
        let offers: Vec<_> = OFFERS.iter().filter(|offer| self.may(offer, kind)).collect();
        // Whoever may do nothing else with a type is told nothing of it.
        if offers.iter().all(|offer| offer.does == Does::Validate) { Vec::new() } else { offers }
    }

    /// The types of which something is offered.
    pub fn types(&self) -> Vec<&'static str> {
        SERVED.into_iter().filter(|kind| !self.offers(kind).is_empty()).collect()
    }

    /// Whether what is about no type of its own is offered.
    pub fn may_on_system(&self, offer: &Offer<Does>) -> bool {
        match offer.who {
            _ if offer.does == Does::ProcessMessage => self.may_tell(),
            Who::Scope(wanted) => SERVED.iter().any(|kind| self.may_read(kind, wanted)),
            _ => true,
        }
    }

    /// Whether it may tell of anything by messages.
    pub fn may_tell(&self) -> bool {
        written_types().any(|kind| self.may_write(kind, Permissions::CREATE))
    }

    /// Whether an update of an id of its own creates.
    pub fn takes_ids(&self, kind: &str) -> bool {
        self.client.as_ref().is_some_and(|client| takes_ids(self.service, client, kind))
    }

    /// The parameters of every type that are rules of their own, as far as it may use them.
    pub fn specials(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let may_read_lists = self.may_read("List", Permissions::READ);
        SPECIAL.into_iter().filter(move |(name, _)| *name != "_list" || may_read_lists)
    }

    fn may(&self, offer: &Offer<Does>, kind: &str) -> bool {
        let is_there = match offer.does {
            Does::Everything => kind == "Patient",
            Does::SearchCompartment => is_in_compartment(kind),
            Does::Delete | Does::DeleteByCondition => is_deletable(kind),
            Does::Update | Does::UpdateByCondition | Does::Patch | Does::PatchByCondition => is_revised(kind),
            _ => offer.path.contains("{type}"),
        };
        is_there
            && match offer.who {
                Who::Scope(wanted) if Permissions::WRITE.covers(wanted) => self.may_write(kind, wanted),
                Who::Scope(wanted) => self.may_read(kind, wanted),
                _ => true,
            }
    }

    fn may_read(&self, kind: &str, wanted: Permissions) -> bool {
        let may =
            |client: &Client| client.require(kind, wanted).is_ok() && Terms::of(self.service, client, kind).is_ok();
        self.client.as_ref().is_none_or(may)
    }

    fn may_write(&self, kind: &str, wanted: Permissions) -> bool {
        let may = |client: &Client| admit(self.service, client, kind, wanted).is_ok();
        home_of(kind).is_some() && self.client.as_ref().is_none_or(may)
    }
}

/// Whether resources of a type lie in a patient's record, and say in which.
pub fn is_in_compartment(kind: &str) -> bool {
    patient_element(kind).is_some()
}
