//! How the gateway is, in one answer for `/health`, `/metrics` and `handover health`: whether it takes messages, what it holds,
//! and what does not follow the site. `fail` only where messages cannot be taken; what works on with less is `warn`.

use jiff::Timestamp;
use serde::Serialize;

use super::Gateway;
use super::condition::Fault;
use crate::site::Certificate;
use crate::store::{Health, Indexed, Urgency, WorkCounts};
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
    /// Search parameters of the site's guides by which what is stored is still being indexed; searches by them read more meanwhile.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub indexing: Vec<Indexed>,
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
    /// For whoever reaches the port: that something is wrong and of which kind, without what stands in the site's files, where those
    /// lie, and what a database or a disk says of itself.
    pub fn for_everybody(mut self) -> Self {
        for fault in &mut self.faults {
            fault.details.clear();
            if fault.part.starts_with(super::paused::PART) {
                (fault.part, fault.text) = ("partner".to_string(), "a partner is paused".to_string());
            }
        }
        self.indexing.clear();
        for certificate in &mut self.certificates {
            certificate.used_by.clear();
            certificate.file.clear();
        }
        if let Some(fault) = &mut self.store.fault {
            *fault = "the store does not work; `handover health` says why".to_string();
        }
        self
    }
}

impl Gateway {
    /// Why the site in force is not what stands in its folder, and since when; none where it is.
    pub fn stale_site(&self) -> Option<Fault> {
        self.condition.faults().into_iter().find(|fault| fault.part == super::condition::SITE)
    }

    /// What does not go on, in sentences for whoever works with the gateway.
    pub fn standing_still(&self) -> Vec<String> {
        let is_told = |fault: &Fault| {
            let part = fault.part.as_str();
            [super::held::DELIVERIES, super::reserve::READS].contains(&part) || part.starts_with(super::paused::PART)
        };
        self.condition.faults().into_iter().filter(is_told).map(|fault| fault.text).collect()
    }

    /// Asks the store, and sets the metrics that tell of a state rather than count.
    pub async fn health(&self) -> GatewayHealth {
        let now = self.clock.now();
        let store = self.store.health().await;
        // Nothing lost: where the store cannot say, its fault is told.
        let work = self.store.work_counts(None, now).await.unwrap_or_default();
        let site = self.site.load_full();
        if let Err(error) = self.see_pauses(site.partners.keys()).await {
            // Where the store cannot be read, its own fault is told, too.
            tracing::warn!(%error, "whether partners are paused could not be read");
        }
        let (faults, indexing) = (self.condition.faults(), self.indexing.under_way());
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
            reserve: self.reserve.standing().0,
            is_stale: stale,
            faults: faults.len(),
            indexing: indexing.len(),
            certificates: site.certificates.iter().map(Certificate::label).collect(),
            tasks: tasks(&work),
        });
        let site = SiteState { since: site.read_at, stale };
        GatewayHealth { status, version: env!("CARGO_PKG_VERSION"), store, site, faults, indexing, certificates }
    }
}

fn tasks(work: &WorkCounts) -> Vec<(&'static str, u64, u64)> {
    let counts = work.open.iter().zip(&work.late);
    Urgency::ALL.iter().zip(counts).map(|(urgency, (open, late))| (urgency.code(), *open, *late)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_reaches_the_port_is_told_of_what_kind_a_fault_is_and_not_what_stands_in_the_site() {
        let now = "2026-03-01T12:00:00Z".parse().unwrap();
        let certificate = Certificate {
            used_by: "feeds/riverside.yaml".to_string(),
            file: "/etc/handover/feed.crt".to_string(),
            from: now,
            until: now,
        };
        let store = Health {
            fault: Some("cannot connect to db.internal:5432 as handover".to_string()),
            engine: "postgres",
            messages: 3,
            records: 1,
            deliveries_waiting: 0,
            deliveries_held: 0,
            deliveries_dead: 0,
            oldest_delivery: None,
            disk_bytes: 0,
        };
        let health = GatewayHealth {
            status: Status::Fail,
            version: "1",
            store,
            site: SiteState { since: now, stale: true },
            faults: vec![
                Fault::new("site", now, "1 error", vec!["partners/lakeside.yaml:3".to_string()]),
                Fault::new("partner hillside", now, "Hillside Clinic is paused", Vec::new()),
            ],
            indexing: vec![Indexed {
                resource_type: "Patient".to_string(),
                parameter: "riverside-ward".to_string(),
                resources: 7,
                is_through: false,
            }],
            certificates: vec![certificate],
        };
        let whole = serde_json::to_string(&health).unwrap();
        let told = serde_json::to_string(&health.for_everybody()).unwrap();
        let private = ["feeds/riverside.yaml", "/etc/handover/feed.crt", "db.internal", "partners/lakeside.yaml"];
        for private in private.into_iter().chain(["hillside", "Hillside", "riverside-ward"]) {
            assert!(whole.contains(private) && !told.contains(private), "{private} in {told}");
        }
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        assert_eq!((&told["status"], &told["faults"][0]["text"]), (&"fail".into(), &"1 error".into()));
        assert_eq!(told["faults"][1]["text"], "a partner is paused");
        assert!(told["store"]["fault"].as_str().unwrap().contains("does not work"), "{told}");
        let expected = serde_json::json!({ "valid_from": now, "expires": now });
        assert_eq!(told["certificates"][0], expected);
    }
}
