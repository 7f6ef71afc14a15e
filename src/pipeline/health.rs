//! How the gateway is, in one answer for `/health`, `/metrics` and `handover health`: whether it takes messages, what it holds,
//! and what does not follow the site. `fail` only where messages cannot be taken; what works on with less is `warn`.

use jiff::Timestamp;
use serde::Serialize;

use super::Gateway;
use super::condition::Fault;
use crate::site::Certificate;
use crate::store::{Health, Urgency, WorkCounts};
use crate::telemetry::Standing;

/// In words of the health+json format (draft-inadarei-api-health-check, 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    Pass,
    /// Messages are taken, but something does not follow the site, or soon will not work.
    Warn,
    /// Messages cannot be taken.
    Fail,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GatewayHealth {
    pub status: Status,
    pub version: &'static str,
    pub store: Health,
    pub site: SiteState,
    /// What does not follow the site.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    /// Those that end soon or have ended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<Certificate>,
}

/// Which site is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SiteState {
    /// When it was read.
    pub since: Timestamp,
    /// It is not what stands in its folder now.
    pub stale: bool,
}

impl GatewayHealth {
    /// For whoever reaches the port: without what stands in the site's files.
    pub fn for_everybody(mut self) -> Self {
        self.faults.iter_mut().for_each(|fault| fault.details.clear());
        self
    }
}

impl Gateway {
    /// Asks the store, and sets the metrics that tell of a state rather than count.
    pub async fn health(&self) -> GatewayHealth {
        let now = self.clock.now();
        let store = self.store.health().await;
        // Nothing lost: where the store cannot say, its fault is told.
        let work = self.store.work_counts(None, now).await.unwrap_or_default();
        let site = self.site.load();
        let faults = self.condition.faults();
        let certificates: Vec<Certificate> =
            site.certificates.iter().filter(|certificate| certificate.warning(now).is_some()).cloned().collect();
        let stale = self.condition.is_set(super::condition::SITE);
        let status = match (&store.fault, faults.is_empty() && certificates.is_empty()) {
            (Some(_), _) => Status::Fail,
            (None, false) => Status::Warn,
            (None, true) => Status::Pass,
        };
        let age = |time: Timestamp| now.duration_since(time).as_secs().max(0);
        self.metrics.set_standing(&Standing {
            waiting: store.deliveries_waiting,
            held: store.deliveries_held,
            dead: store.deliveries_dead,
            oldest_secs: store.oldest_delivery.map_or(0, age),
            records: store.records,
            disk_bytes: store.disk_bytes,
            is_stale: stale,
            faults: faults.len(),
            certificates: site.certificates.iter().map(Certificate::label).collect(),
            tasks: tasks(&work),
        });
        let site = SiteState { since: site.read_at, stale };
        GatewayHealth { status, version: env!("CARGO_PKG_VERSION"), store, site, faults, certificates }
    }
}

fn tasks(work: &WorkCounts) -> Vec<(&'static str, u64, u64)> {
    let counts = work.open.iter().zip(&work.late);
    Urgency::ALL.iter().zip(counts).map(|(urgency, (open, late))| (urgency.code(), *open, *late)).collect()
}
