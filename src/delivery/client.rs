//! One HTTP client per partner: its certificates, our identity there, its time limit. Never follows redirects, so that
//! a payload goes where the site says and nowhere else.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Identity};

use super::keys::SigningKey;
use super::lane::Lane;
use super::token::TokenSlot;
use crate::site::{Partner, Site};

/// Everything that reaching one partner takes, built from the site once.
#[derive(Debug)]
pub struct Line {
    pub http: Client,
    /// Signs at its token endpoint; none where the gateway's own keys do.
    pub key: Option<SigningKey>,
    pub timeout: Duration,
    pub lane: Arc<Lane>,
    pub token: TokenSlot,
    /// How often it refused a version of which it did not say another.
    refused_versions: AtomicU32,
    /// Types whose update by a search it does not know, as its answers show.
    without_conditional_update: Mutex<BTreeSet<String>>,
    without_transactions: AtomicBool,
}

/// A partner that refuses so many versions is sent none any more, until the site is taken over anew.
const MOST_REFUSED: u32 = 3;

impl Line {
    /// It does not take the versions that it names itself.
    pub fn refuses_versions(&self) -> bool {
        self.refused_versions.load(Ordering::Relaxed) >= MOST_REFUSED
    }

    /// The same way with a lane of its own: for simulations.
    #[cfg(test)]
    pub fn anew(&self, partner: &Partner) -> Self {
        let lane = Arc::new(Lane::new(partner.parallel, partner.rate_per_sec));
        let (http, timeout, token) = (self.http.clone(), self.timeout, TokenSlot::default());
        Self {
            http,
            key: None,
            timeout,
            lane,
            token,
            refused_versions: AtomicU32::new(0),
            without_conditional_update: Mutex::default(),
            without_transactions: AtomicBool::new(false),
        }
    }

    /// It showed that it takes no transactions.
    pub fn lacks_transactions(&self) -> bool {
        self.without_transactions.load(Ordering::Relaxed)
    }

    pub fn note_lacks_transactions(&self) {
        self.without_transactions.store(true, Ordering::Relaxed);
    }

    pub fn lacks_conditional_update(&self, kind: &str) -> bool {
        self.without_conditional_update.lock().unwrap_or_else(PoisonError::into_inner).contains(kind)
    }

    pub fn note_lacks_conditional_update(&self, kind: &str) {
        self.without_conditional_update.lock().unwrap_or_else(PoisonError::into_inner).insert(kind.to_string());
    }

    pub fn count_refused_version(&self) {
        self.refused_versions.fetch_add(1, Ordering::Relaxed);
    }
}

/// The lines of one site. When the site is replaced, all are built anew: certificates and keys may have changed.
#[derive(Default)]
pub struct Lines(Mutex<Built>);

#[derive(Default)]
struct Built {
    site: Option<Arc<Site>>,
    lines: HashMap<String, Arc<Line>>,
}

impl Lines {
    /// The line to a partner of this site; a sentence that says what is wrong with its files when there is none. What is
    /// wrong is not remembered: a file put right is seen at the next attempt.
    pub fn to(&self, site: &Arc<Site>, partner: &Partner) -> Result<Arc<Line>, String> {
        let mut built = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !built.site.as_ref().is_some_and(|known| Arc::ptr_eq(known, site)) {
            *built = Built { site: Some(site.clone()), lines: HashMap::new() };
        }
        if let Some(line) = built.lines.get(&partner.name) {
            return Ok(line.clone());
        }
        let line = Arc::new(build(&site.folder, partner)?);
        built.lines.insert(partner.name.clone(), line.clone());
        Ok(line)
    }
}

fn build(folder: &Path, partner: &Partner) -> Result<Line, String> {
    let timeout = Duration::from_secs(partner.timeout_secs.max(1));
    let mut authorities = Vec::new();
    if let Some(path) = &partner.server_ca {
        let pem = read(folder, path)?;
        authorities = Certificate::from_pem_bundle(&pem).map_err(|_| unusable(path, "certificates"))?;
    }
    let mut identity = None;
    if let Some(path) = &partner.client_identity {
        let pem = read(folder, path)?;
        identity = Some(Identity::from_pem(&pem).map_err(|_| unusable(path, "a certificate and its key"))?);
    }
    let start = || {
        let client = Client::builder()
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .timeout(timeout)
            .connect_timeout(timeout.min(Duration::from_secs(10)))
            .pool_idle_timeout(Duration::from_secs(60))
            .pool_max_idle_per_host(partner.parallel.max(1))
            .user_agent(concat!("handover/", env!("CARGO_PKG_VERSION")));
        match &identity {
            Some(identity) => client.identity(identity.clone()),
            None => client,
        }
    };
    // A machine without any public certificates (a slim container) can still reach partners whose own are given.
    let http = start()
        .tls_certs_merge(authorities.clone())
        .build()
        .or_else(|_| start().tls_certs_only(authorities).build())
        .map_err(|error| format!("no TLS client can be built: {error}"))?;
    let key = partner.smart.as_ref().and_then(|smart| Some((smart.key.as_ref()?, smart.key_id.as_deref())));
    let key = match key {
        Some((path, id)) => {
            let pem = read(folder, path)?;
            let key = SigningKey::from_pem(&String::from_utf8_lossy(&pem), id);
            Some(key.map_err(|error| format!("{}: {error}", path.display()))?)
        }
        None => None,
    };
    let lane = Arc::new(Lane::new(partner.parallel, partner.rate_per_sec));
    Ok(Line {
        http,
        key,
        timeout,
        lane,
        token: TokenSlot::default(),
        refused_versions: AtomicU32::new(0),
        without_conditional_update: Mutex::default(),
        without_transactions: AtomicBool::new(false),
    })
}

fn read(folder: &Path, path: &Path) -> Result<Vec<u8>, String> {
    fs::read(folder.join(path)).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}

fn unusable(path: &Path, wanted: &str) -> String {
    format!("{} does not hold {wanted} in PEM", path.display())
}
