//! Indexes what is stored by the search parameters that the site's guides define, in the background: in small steps, as far apart as each
//! took, so that messages and searches go on beside it. Cut off, it goes on where it was; what is written meanwhile follows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::Gateway;
use crate::site::Site;
use crate::store::{Guided, Indexed, StoreError};

/// Resources in one step.
const BATCH: usize = 500;
/// How soon what was written is followed, and how often it is said how far a long one is.
const LOOK_EVERY: Duration = Duration::from_secs(5);
const SAY_EVERY: Duration = Duration::from_secs(10);

/// What the guides of a site define, where an index narrows anything.
pub fn wanted(site: &Site) -> Vec<Guided> {
    let guided = site.profiles.guided_searches();
    guided.iter().filter_map(|(resource_type, parameter)| Guided::of(resource_type, parameter)).collect()
}

/// Runs until told to stop; the step under way is finished first.
pub async fn run(gateway: Arc<Gateway>, mut stop: watch::Receiver<bool>) {
    let mut known = gateway.site.load_full();
    let (mut asked, mut said) = (wanted(&known), None);
    loop {
        let site = gateway.site.load_full();
        if !Arc::ptr_eq(&site, &known) {
            (asked, known) = (wanted(&site), site);
        }
        let began = Instant::now();
        let is_through = match step(&gateway, &asked).await {
            Ok(standing) => say(&standing, &mut said),
            Err(fault) => {
                tracing::warn!(%fault, "what is stored cannot be indexed by the guides' search parameters; trying again");
                true
            }
        };
        if *stop.borrow() {
            return;
        }
        let rest = if is_through { LOOK_EVERY } else { began.elapsed() };
        tokio::select! {
            _ = stop.changed() => return,
            () = tokio::time::sleep(rest) => {}
        }
    }
}

/// One step: a bounded number of resources.
pub async fn step(gateway: &Gateway, wanted: &[Guided]) -> Result<Vec<Indexed>, StoreError> {
    let standing = gateway.store.index_by(wanted, BATCH).await?;
    gateway.indexing.saw(&standing);
    Ok(standing)
}

/// Says when something begins that is more than a step, how far it is, and when it is through.
fn say(standing: &[Indexed], said: &mut Option<Instant>) -> bool {
    let under_way: Vec<&Indexed> = standing.iter().filter(|one| !one.is_through).collect();
    let names: Vec<String> = under_way.iter().map(|one| format!("{}?{}", one.resource_type, one.parameter)).collect();
    match (under_way.is_empty(), *said) {
        (true, None) => {}
        (true, Some(_)) => {
            tracing::info!(
                parameters = standing.len(),
                "what is stored is indexed by the search parameters of the site's guides"
            );
            *said = None;
        }
        (false, Some(last)) if last.elapsed() < SAY_EVERY => {}
        (false, _) => {
            let resources = under_way.iter().map(|one| one.resources).min().unwrap_or_default();
            tracing::info!(
                parameters = names.join(", "),
                resources,
                "what is stored is being indexed by search parameters of the site's guides; searches by them read more until that is through"
            );
            *said = Some(Instant::now());
        }
    }
    under_way.is_empty()
}
