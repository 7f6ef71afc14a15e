//! What is known of the servers of partners, as this process keeps it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fhir::Offered;
use crate::site::Partner;

/// What is known of one partner's server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Whose statement it is.
    pub base: String,
    /// What it said last; none where it never said anything that could be read.
    pub offered: Option<Offered>,
    /// When it said that.
    pub read: Option<Timestamp>,
    /// When it was asked last.
    pub asked: Timestamp,
    /// Why nothing could be read then.
    pub fault: Option<String>,
}

/// By partner.
#[derive(Debug, Default)]
pub struct Servers(Mutex<BTreeMap<String, Arc<Server>>>);

impl Servers {
    /// What is known of the server at this partner's base.
    pub fn of(&self, partner: &Partner) -> Option<Arc<Server>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&partner.name).cloned();
        known.filter(|server| partner.fhir_base.as_ref() == Some(&server.base))
    }

    pub(super) fn put(&self, partner: &str, server: Server) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(partner.to_string(), Arc::new(server));
    }
}

/// How resources of a type get there, in words.
pub fn way(server: Option<&Server>, kind: &str) -> &'static str {
    match server.and_then(|server| server.offered.as_ref()?.takes_conditional_update(kind)) {
        Some(true) => "conditional update",
        Some(false) => "search, then create or update",
        None => "conditional update, where it takes it",
    }
}
