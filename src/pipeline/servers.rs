//! What partners' servers say that they offer (CapabilityStatement), as it was read last, with its age: kept in the store, so that a
//! gateway that starts knows what the one before was told. Who asks is `delivery/statement.rs`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Gateway;
use super::operation::fault;
use super::server::{Server, way};
use crate::fhir::Offered;
use crate::problem::Problem;
use crate::site::{Partner, Site};
use crate::store::StoreError;

/// The parts that do not offer what the site sends.
const PART: &str = "offered ";

fn state(partner: &str) -> String {
    format!("offered/{partner}")
}

impl Gateway {
    /// What is known of a partner's server, from the store where this process was told nothing yet.
    pub async fn server_of(&self, partner: &Partner) -> Result<Option<Arc<Server>>, StoreError> {
        if let Some(server) = self.servers.of(partner) {
            return Ok(Some(server));
        }
        let kept = self.store.get_state(&state(&partner.name)).await?;
        // Nothing lost: what does not read is asked for anew.
        if let Some(server) = kept.and_then(|bytes| serde_json::from_slice::<Server>(&bytes).ok()) {
            self.servers.put(&partner.name, server);
        }
        Ok(self.servers.of(partner))
    }

    /// Notes what a partner's server answered. What it said before counts on where it says nothing now.
    pub async fn note_server(&self, partner: &Partner, answer: Result<Offered, String>) -> Result<(), StoreError> {
        let Some(base) = partner.fhir_base.clone() else { return Ok(()) };
        let before = self.server_of(partner).await?;
        let asked = self.clock.now();
        let server = match answer {
            Ok(offered) => Server { base, offered: Some(offered), read: Some(asked), asked, fault: None },
            Err(fault) => {
                let (offered, read) = before.map(|server| (server.offered.clone(), server.read)).unwrap_or_default();
                Server { base, offered, read, asked, fault: Some(fault) }
            }
        };
        let bytes = serde_json::to_vec(&server).unwrap_or_default();
        self.servers.put(&partner.name, server);
        self.store.put_state(&state(&partner.name), &bytes).await
    }

    /// Says in the gateway's condition what partners' servers say they do not offer of what they are sent.
    pub async fn tell_servers(&self, site: &Site) -> Result<(), StoreError> {
        let mut parts = Vec::new();
        for partner in site.partners.values() {
            let server = self.server_of(partner).await?;
            // Nothing lost: of a server that said nothing nothing is known to be lacking.
            let Some(offered) = server.as_ref().and_then(|server| server.offered.as_ref()) else { continue };
            let types = site.agreements.pushed_types(&partner.name);
            let mut lacks: Vec<String> = types.iter().flat_map(|kind| offered.lacks(kind)).collect();
            let wants = site.agreements.of(&partner.name).any(|agreement| agreement.transaction);
            if wants && offered.transaction == Some(false) {
                lacks.push("transactions (each goes by itself)".to_string());
            }
            if let Some(version) = offered.other_version().filter(|_| !types.is_empty()) {
                lacks.push(format!("FHIR R4, but {version}"));
            }
            if !lacks.is_empty() {
                let part = format!("{PART}{}", partner.name);
                let text = format!(
                    "{}'s server says that it does not offer what it is sent: {}. It is sent all the same, and its answers count",
                    partner.title,
                    lacks.join(", ")
                );
                self.condition.set(&part, self.clock.now(), text, Vec::new());
                parts.push(part);
            }
        }
        self.condition.clear_others(PART, &parts);
        Ok(())
    }

    /// What `tell_servers` found, for whoever looks after the site.
    pub fn not_offered(&self) -> Vec<String> {
        let faults = self.condition.faults().into_iter().filter(|fault| fault.part.starts_with(PART));
        faults.map(|fault| fault.text).collect()
    }

    /// All partners that are delivered to, with what their servers say.
    pub(super) async fn list_servers(&self) -> Result<Value, Problem> {
        let site = self.site.load_full();
        let mut items = Vec::new();
        for partner in site.partners.values().filter(|partner| partner.fhir_base.is_some()) {
            let server = self.server_of(partner).await.map_err(fault)?;
            let offered = server.as_ref().and_then(|server| server.offered.as_ref());
            let types = site.agreements.pushed_types(&partner.name).into_iter();
            let types: Vec<Value> = types
                .map(|kind| {
                    let lacks = offered.map(|offered| offered.lacks(kind)).unwrap_or_default();
                    json!({ "type": kind, "way": way(server.as_deref(), kind), "not_offered": lacks })
                })
                .collect();
            items.push(json!({
                "partner": partner.name,
                "base": partner.fhir_base,
                "software": offered.and_then(|offered| offered.software.clone()),
                "fhir_version": offered.and_then(|offered| offered.fhir_version.clone()),
                "transaction": offered.and_then(|offered| offered.transaction),
                "read": server.as_ref().and_then(|server| server.read),
                "asked": server.as_ref().map(|server| server.asked),
                "fault": server.as_ref().and_then(|server| server.fault.clone()),
                "types": types,
            }));
        }
        Ok(json!({ "items": items, "next": null }))
    }
}
