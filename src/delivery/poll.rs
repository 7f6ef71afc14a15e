//! Asks partners that do not write back what their people did with the Tasks they were given (`fhir.poll_secs`): their copies are
//! searched by our identifiers (http://hl7.org/fhir/R4/search.html#token, `system|`) and by when they changed, and what a copy says
//! otherwise than what was delivered last is said as if its partner had written it (docs/decisions/0028).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::address::percent_encode;
use super::client::Lines;
use super::own_keys::OwnKeys;
use super::polled::{said, version};
use super::route::{Route, fetch, next_page};
use super::token::is_same_origin;
use crate::identity::ResourceId;
use crate::pipeline::{Gateway, Interaction, Submission, own_identifier};
use crate::site::{Partner, Site};
use crate::store::{DeliveryFilter, DeliveryState, StoreError};

/// How often it looks whom to ask.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// So much of what was seen the last time is asked for again: servers list what is committed, which is later than its time.
const OVERLAP: SignedDuration = SignedDuration::from_mins(5);
/// What was looked at is not looked at again for so long.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24 * 30);
/// Pages of one time, and deliveries of one patient that are looked through for the newest about a Task.
const MOST_PAGES: usize = 200;
const MOST_DELIVERIES: usize = 4;
const PAGE: usize = 100;

/// Until told to stop. Each partner is asked apart from the others, one time after the other.
pub async fn poll(gateway: Arc<Gateway>, own_keys: OwnKeys, mut stop: watch::Receiver<bool>) {
    let asker = Arc::new(Asker { gateway, own_keys, lines: Lines::default() });
    // When each may be asked again (`Clock::steady`); none while it is asked.
    let mut next: HashMap<String, Option<Duration>> = HashMap::new();
    let mut asked = JoinSet::new();
    while !*stop.borrow() {
        let site = asker.gateway.site.load_full();
        let steady = asker.gateway.clock.steady();
        for partner in site.partners.values().filter(|partner| partner.poll_secs.is_some()) {
            if next.get(&partner.name).is_none_or(|at| at.is_some_and(|at| at <= steady)) {
                next.insert(partner.name.clone(), None);
                let (asker, site, name) = (Arc::clone(&asker), Arc::clone(&site), partner.name.clone());
                asked.spawn(async move { asker.tell(&site, &name).await });
            }
        }
        tokio::select! {
            _ = stop.changed() => break,
            Some(ended) = asked.join_next() => match ended {
                Ok((name, secs)) => _ = next.insert(name, Some(asker.gateway.clock.steady() + Duration::from_secs(secs))),
                Err(fault) => {
                    tracing::error!(%fault, "asking a partner ended in disorder");
                    // Whoever it was is asked again; asking somebody twice says nothing twice.
                    next.retain(|_, at| at.is_some());
                }
            },
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
    asked.shutdown().await;
}

/// What a partner was given last of a Task, as far as that is known.
enum Given {
    /// Nothing that is still kept.
    Nothing,
    /// It may hold something newer: an attempt whose outcome nobody knows.
    Unsettled,
    Holds(Value),
}

struct Asker {
    gateway: Arc<Gateway>,
    own_keys: OwnKeys,
    lines: Lines,
}

impl Asker {
    /// Asks one partner, and says where it could not be asked. Returns after how many seconds to ask again.
    async fn tell(&self, site: &Arc<Site>, name: &str) -> (String, u64) {
        let part = format!("poll {name}");
        let Some(partner) = site.partners.get(name) else { return (name.to_string(), 0) };
        match self.ask(site, partner).await {
            Ok(()) => self.gateway.condition.clear(&part),
            Err(why) => {
                tracing::warn!(partner = name, why, "the Tasks at a partner could not be read");
                let text = format!("what {}'s people did with their Tasks cannot be read: {why}", partner.title);
                self.gateway.condition.set(&part, self.gateway.clock.now(), text, Vec::new());
            }
        }
        (name.to_string(), partner.poll_secs.unwrap_or_default().max(1))
    }

    /// All that changed since the last time.
    async fn ask(&self, site: &Arc<Site>, partner: &Partner) -> Result<(), String> {
        let Some(base) = &partner.fhir_base else { return Ok(()) };
        let line = self.lines.to(site, partner)?;
        let clock = &*self.gateway.clock;
        let route = Route { line: &line, partner, fhir_base: base, own_keys: &self.own_keys, clock, offered: None };
        let system = own_identifier(&site.settings.base_url, "Task", "").system;
        let state = format!("poll/{}", partner.name);
        let told = |error: StoreError| format!("the store: {error}");
        let since = self.gateway.store.get_state(&state).await.map_err(told)?;
        let since: Option<Timestamp> = since.and_then(|bytes| String::from_utf8(bytes).ok()?.parse().ok());
        let mut url = format!(
            "{}/Task?identifier={}%7C&_sort=_lastUpdated&_count={PAGE}",
            base.trim_end_matches('/'),
            percent_encode(&system)
        );
        if let Some(from) = since.and_then(|since| since.checked_sub(OVERLAP).ok()) {
            url.push_str(&format!("&_lastUpdated=ge{}", percent_encode(&from.to_string())));
        }
        let save = async |newest: Option<Timestamp>| {
            let seen = newest.map(|newest| newest.to_string()).unwrap_or_default();
            self.gateway.store.put_state(&state, seen.as_bytes()).await.map_err(told)
        };
        let (mut newest, mut is_in_order, mut unsettled) = (since, true, None::<Timestamp>);
        for _ in 0..MOST_PAGES {
            let page = fetch(&route, &url).await?;
            let entries = page.get("entry").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            for copy in entries.iter().filter_map(|entry| entry.get("resource")) {
                let taken = self.take(partner, base, &system, copy).await.map_err(told)?;
                let (Taken::Now(changed) | Taken::Later(changed)) = taken;
                is_in_order &=
                    changed >= newest || changed.is_some_and(|changed| since.is_some_and(|since| changed <= since));
                if let Taken::Later(changed) = &taken {
                    // It is listed again until it can be judged.
                    unsettled = unsettled.into_iter().chain(*changed).min();
                }
                newest = newest.max(changed);
            }
            match next_page(&page) {
                None => return save(unsettled.map_or(newest, |unsettled| newest.min(Some(unsettled)))).await,
                Some(next) if is_same_origin(base, next) => url = next.to_string(),
                Some(_) => return Err("its next page is at another server, which is asked nothing".to_string()),
            }
        }
        if is_in_order {
            // What is left changed later than all that was read.
            return save(unsettled.map_or(newest, |unsettled| newest.min(Some(unsettled)))).await;
        }
        Err(format!("more than {MOST_PAGES} pages of Tasks that changed, and not in the order of their changes"))
    }

    /// One copy; tells when it changed there, and whether it has to be looked at again.
    async fn take(&self, partner: &Partner, base: &str, system: &str, copy: &Value) -> Result<Taken, StoreError> {
        // Nothing lost: without a time it is looked at each time it is listed.
        let changed = copy.pointer("/meta/lastUpdated").and_then(Value::as_str).and_then(|text| text.parse().ok());
        // Nothing lost: what has no identifier of ours is no Task that we gave.
        let Some(id) = own_id(copy, system) else { return Ok(Taken::Now(changed)) };
        let store = &self.gateway.store;
        let key = format!("{}/{id}/{}", partner.name, version(copy));
        let now = self.gateway.clock.now();
        if store.is_remembered("poll", &key, now).await? {
            // Nothing lost: this version of it was taken before.
            return Ok(Taken::Now(changed));
        }
        let words = match self.delivered(partner, id).await? {
            Given::Holds(given) => said(copy, &given, base),
            // Nothing lost: what was never given, or longer ago than deliveries are kept, is no answer to it.
            Given::Nothing => Vec::new(),
            Given::Unsettled => return Ok(Taken::Later(changed)),
        };
        if !words.is_empty() {
            let digest = Sha256::digest(key.as_bytes());
            let number: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
            let submitted = self.gateway.submit(submission(partner, id, &words, format!("poll-{number}"))).await;
            if submitted.sequence.is_none() {
                return Err(StoreError::Unavailable("what it says could not be written".to_string()));
            }
        }
        let until = now.checked_add(REMEMBERED).unwrap_or(now);
        store.remember_once("poll", &key, until, now).await?;
        Ok(Taken::Now(changed))
    }

    /// What the partner was given last of a Task, word by word.
    async fn delivered(&self, partner: &Partner, id: ResourceId) -> Result<Given, StoreError> {
        let store = &self.gateway.store;
        let merged = store.head(id.person).await?.and_then(|head| head.merged_into);
        let thing = format!("Task/{id}/");
        for person in [Some(id.person), merged].into_iter().flatten() {
            let filter = DeliveryFilter {
                partner: Some(partner.name.clone()),
                state: None,
                person: Some(person),
                message: None,
            };
            let mut cursor = None;
            for _ in 0..MOST_DELIVERIES {
                let page = store.deliveries(&filter, cursor.as_ref(), PAGE).await?;
                for delivery in page.items.into_iter().filter(|delivery| delivery.new.subject.starts_with(&thing)) {
                    match delivery.state {
                        DeliveryState::Delivered => return Ok(Given::Holds(delivery.new.payload)),
                        DeliveryState::Waiting if delivery.attempts.iter().any(|attempt| attempt.sent) => {
                            return Ok(Given::Unsettled);
                        }
                        // Nothing lost: what was not sent, or was given up, is not what the partner holds.
                        _ => {}
                    }
                }
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
        }
        Ok(Given::Nothing)
    }
}

/// When a copy changed, and whether it was taken or is to be looked at later.
enum Taken {
    Now(Option<Timestamp>),
    Later(Option<Timestamp>),
}

fn own_id(copy: &Value, system: &str) -> Option<ResourceId> {
    if copy.get("resourceType").and_then(Value::as_str) != Some("Task") {
        return None;
    }
    let identifiers = copy.get("identifier").and_then(Value::as_array)?;
    let own = identifiers.iter().find(|one| one.get("system").and_then(Value::as_str) == Some(system))?;
    own.get("value")?.as_str()?.parse().ok()
}

/// As if the partner had patched the Task here.
fn submission(partner: &Partner, id: ResourceId, words: &[Value], number: String) -> Submission {
    Submission {
        partner: partner.name.clone(),
        request_id: Some(number),
        interaction: Interaction::Patch { kind: "Task".to_string(), id },
        is_conditional: false,
        if_match: None,
        matched: std::collections::BTreeMap::new(),
        media_type: "application/json-patch+json".to_string(),
        body: Value::from(words.to_vec()).to_string().into_bytes(),
        replays: None,
    }
}
