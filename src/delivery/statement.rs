//! Asks partners' servers what they offer (http://hl7.org/fhir/R4/http.html#capabilities): when the gateway starts, when the site changes,
//! and again after some hours. Never holds up what is sent: a server that says nothing is sent to as ever.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::client::Lines;
use super::own_keys::OwnKeys;
use super::route::{Route, fetch};
use crate::fhir::Offered;
use crate::pipeline::Gateway;
use crate::site::{Partner, Site};
use crate::store::StoreError;

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// What was read counts for so long, and what could not be read is asked for again after a while.
const REFRESH: Duration = Duration::from_secs(12 * 3600);
const AFTER_FAULT: Duration = Duration::from_secs(600);

/// Until told to stop.
pub async fn read_statements(gateway: Arc<Gateway>, own_keys: OwnKeys, mut stop: watch::Receiver<bool>) {
    let asker = Arc::new(Asker { gateway, own_keys, lines: Lines::default() });
    // When each may be asked again (`Clock::steady`), of the site that they are of.
    let mut next: HashMap<String, Duration> = HashMap::new();
    let mut of: Option<Arc<Site>> = None;
    while !*stop.borrow() {
        let site = asker.gateway.site.load_full();
        if !of.as_ref().is_some_and(|of| Arc::ptr_eq(of, &site)) {
            next.clear();
            asker.tell(&site).await;
            of = Some(Arc::clone(&site));
        }
        let now = asker.gateway.clock.steady();
        let is_due =
            |partner: &&Partner| partner.fhir_base.is_some() && next.get(&partner.name).is_none_or(|at| *at <= now);
        let due: Vec<String> = site.partners.values().filter(is_due).map(|partner| partner.name.clone()).collect();
        let mut asked = JoinSet::new();
        for name in due {
            let (asker, site) = (Arc::clone(&asker), Arc::clone(&site));
            asked.spawn(async move { (asker.ask(&site, &name).await, name) });
        }
        let is_any = !asked.is_empty();
        tokio::select! {
            _ = stop.changed() => break,
            () = async {
                while let Some(ended) = asked.join_next().await {
                    // Nothing lost: whoever was asked in disorder is asked again.
                    let Ok((again, name)) = ended else { continue };
                    next.insert(name, asker.gateway.clock.steady() + again);
                }
            } => {}
        }
        if is_any {
            asker.tell(&site).await;
        }
        tokio::select! {
            _ = stop.changed() => break,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

struct Asker {
    gateway: Arc<Gateway>,
    own_keys: OwnKeys,
    lines: Lines,
}

impl Asker {
    async fn tell(&self, site: &Site) {
        if let Err(error) = self.gateway.tell_servers(site).await {
            tracing::warn!(%error, "what partners' servers offer could not be looked up");
        }
    }

    /// Asks one, and returns after how long to ask it again.
    async fn ask(&self, site: &Arc<Site>, name: &str) -> Duration {
        let Some(partner) = site.partners.get(name) else { return REFRESH };
        let answer = self.read(site, partner).await;
        let again = if answer.is_ok() { REFRESH } else { AFTER_FAULT };
        if let Err(fault) = &answer {
            tracing::info!(
                partner = name,
                fault,
                "a partner's CapabilityStatement cannot be read; it is sent to as ever"
            );
        }
        if let Err(error) = self.keep(partner, answer).await {
            tracing::warn!(%error, partner = name, "a partner's CapabilityStatement could not be kept");
            return AFTER_FAULT;
        }
        again
    }

    async fn keep(&self, partner: &Partner, answer: Result<Offered, String>) -> Result<(), StoreError> {
        self.gateway.note_server(partner, answer).await
    }

    /// Everybody may read it; a server that wants a token all the same gets one.
    async fn read(&self, site: &Arc<Site>, partner: &Partner) -> Result<Offered, String> {
        let base = partner.fhir_base.as_deref().unwrap_or_default();
        let line = self.lines.to(site, partner)?;
        let anybody = Partner { smart: None, ..partner.clone() };
        let route = |partner| Route {
            line: &line,
            partner,
            fhir_base: base,
            own_keys: &self.own_keys,
            clock: &*self.gateway.clock,
            offered: None,
        };
        let url = format!("{}/metadata", base.trim_end_matches('/'));
        let statement = match fetch(&route(&anybody), &url).await {
            Err(_) if partner.smart.is_some() => fetch(&route(partner), &url).await,
            answer => answer,
        };
        Offered::read(&statement?)
    }
}
