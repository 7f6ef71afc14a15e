//! The keys that the gateway made for itself: one signs (assertions to partners, access tokens of ours), the others are still or
//! already published at `/.well-known/jwks.json` (RFC 7517), so that whoever keeps a copy of that answer is never shown a key that
//! it does not have. When a key signs and when it ends is written into the store, so that gateways that share it change together.

use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Mutex;

use super::keys::{KeyError, SigningKey, generate};
use crate::store::Store;

/// The key that the gateway made when it was new, or that took its place at once. Secrets for other purposes are made of it,
/// whichever key signs.
const ROOT_STATE: &str = "signing-key";
/// All keys, oldest first; not there before the first change.
const KEYS_STATE: &str = "signing-keys";

/// A new key is published for so long before it signs: others keep copies.
const NOTICE: SignedDuration = SignedDuration::from_hours(24);
/// A key is published and counts for so long after it signed last. Nothing that we sign lives longer than five minutes.
const AFTERLIFE: SignedDuration = SignedDuration::from_hours(1);

/// One key, with its times.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Written {
    pem: String,
    signs: Timestamp,
    ends: Option<Timestamp>,
}

#[derive(Debug)]
struct Held {
    key: Arc<SigningKey>,
    signs: Timestamp,
    ends: Option<Timestamp>,
}

impl Held {
    fn counts(&self, now: Timestamp) -> bool {
        self.ends.is_none_or(|end| now < end)
    }
}

/// What one is told of a key, as [`OwnKeys::told`] lists them.
#[derive(Debug, Serialize)]
pub struct Told {
    pub id: String,
    pub algorithm: String,
    /// `to come`, `signs`, or `published` where it signs no more.
    pub state: &'static str,
    pub signs_from: Timestamp,
    pub ends: Option<Timestamp>,
}

/// Why there was no change.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    #[error("a new key is published already and signs from {0}; with `--at-once` another one signs now")]
    UnderWay(Timestamp),
    #[error("another gateway on this store changed its keys at the same moment; see which there are, and say it again")]
    Crossed,
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Shared by all that sign or check.
#[derive(Debug, Clone)]
pub struct OwnKeys(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    root: SigningKey,
    /// Oldest first, never none.
    held: ArcSwap<Vec<Held>>,
    /// One change after the other.
    changing: Mutex<()>,
}

impl OwnKeys {
    /// Reads the store's keys, and makes the first one. Gateways that share a store share them: what is kept is read back, so
    /// that of two that start together both use the later one.
    pub async fn open(store: &dyn Store) -> Result<Self, KeyError> {
        if store.get_state(ROOT_STATE).await?.is_none() {
            store.put_state(ROOT_STATE, generate()?.as_bytes()).await?;
        }
        let keys = Self::of(SigningKey::from_pem(&pem_of(store).await?, None)?);
        keys.read(store).await?;
        Ok(keys)
    }

    /// With this one alone.
    pub fn of(root: SigningKey) -> Self {
        let first = Held { key: Arc::new(root.clone()), signs: Timestamp::MIN, ends: None };
        Self(Arc::new(Inner { root, held: ArcSwap::from_pointee(vec![first]), changing: Mutex::default() }))
    }

    /// Takes over what another gateway, or [`Self::rotate`], wrote.
    pub async fn read(&self, store: &dyn Store) -> Result<(), KeyError> {
        let Some(written) = written(store).await? else { return Ok(()) };
        let held = written.iter().map(|one| {
            let key = Arc::new(SigningKey::from_pem(&one.pem, None)?);
            Ok(Held { key, signs: one.signs, ends: one.ends })
        });
        let held = held.collect::<Result<Vec<Held>, KeyError>>()?;
        if !held.is_empty() {
            self.0.held.store(Arc::new(held));
        }
        Ok(())
    }

    /// The one that signs: the newest whose time has come.
    pub fn signing(&self, now: Timestamp) -> Arc<SigningKey> {
        let held = self.0.held.load();
        let come = held.iter().rev().find(|held| held.signs <= now).or_else(|| held.first());
        come.map_or_else(|| Arc::new(self.0.root.clone()), |held| Arc::clone(&held.key))
    }

    /// The one with this id, while it counts.
    pub fn known(&self, id: &str, now: Timestamp) -> Option<Arc<SigningKey>> {
        let held = self.0.held.load();
        held.iter().find(|held| held.key.id() == id && held.counts(now)).map(|held| Arc::clone(&held.key))
    }

    /// The public halves of all that count (RFC 7517), the newest first.
    pub fn public(&self, now: Timestamp) -> Vec<Value> {
        let held = self.0.held.load();
        held.iter().rev().filter(|held| held.counts(now)).map(|held| held.key.public_jwk().clone()).collect()
    }

    /// All that count, the newest first.
    pub fn told(&self, now: Timestamp) -> Vec<Told> {
        let (held, signing) = (self.0.held.load(), self.signing(now));
        let state = |held: &Held| match () {
            () if held.key.id() == signing.id() => "signs",
            () if held.signs > now => "to come",
            () => "published",
        };
        let told = |held: &Held| Told {
            id: held.key.id().to_string(),
            algorithm: format!("{:?}", held.key.algorithm()),
            state: state(held),
            signs_from: held.signs,
            ends: held.ends,
        };
        held.iter().rev().filter(|held| held.counts(now)).map(told).collect()
    }

    /// A secret for a purpose, the same wherever these keys are known and whichever signs. After a change at once it is another one
    /// from the next start on.
    pub fn derived(&self, purpose: &str) -> [u8; 32] {
        self.0.root.derived(purpose)
    }

    /// A new key: published now, it signs a day later, and the old one ends an hour after that. `at_once`, for a key that
    /// somebody else may have, it signs now, no other counts any more, and nothing is made of it any more.
    pub async fn rotate(&self, store: &dyn Store, now: Timestamp, at_once: bool) -> Result<(), RotateError> {
        // Times that people are told.
        let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let _alone = self.0.changing.lock().await;
        let root = pem_of(store).await?;
        let first = || vec![Written { pem: root.clone(), signs: Timestamp::MIN, ends: None }];
        let mut keys = written(store).await?.unwrap_or_else(first);
        if let Some(coming) = keys.iter().find(|key| key.signs > now && !at_once) {
            return Err(RotateError::UnderWay(coming.signs));
        }
        // What has ended is of no use to anybody.
        keys.retain(|key| key.ends.is_none_or(|end| now < end) && !at_once);
        let signs = if at_once { now } else { now.saturating_add(NOTICE).unwrap_or(now) };
        for key in &mut keys {
            let end = signs.saturating_add(AFTERLIFE).unwrap_or(signs);
            key.ends = Some(key.ends.map_or(end, |before| before.min(end)));
        }
        let pem = generate()?;
        keys.push(Written { pem: pem.clone(), signs, ends: None });
        let bytes = write(store, &keys).await?;
        if at_once {
            store.put_state(ROOT_STATE, pem.as_bytes()).await.map_err(KeyError::Store)?;
        }
        let is_kept = store.get_state(KEYS_STATE).await.map_err(KeyError::Store)?.is_some_and(|kept| kept == bytes);
        let root_now = pem_of(store).await?;
        let is_crossed = !at_once && root_now != root;
        if is_crossed {
            // Another gateway ended all keys meanwhile; what was written here would bring one of them back.
            write(store, &[Written { pem: root_now, signs: now, ends: None }]).await?;
        }
        self.read(store).await?;
        if is_kept && !is_crossed { Ok(()) } else { Err(RotateError::Crossed) }
    }
}

async fn pem_of(store: &dyn Store) -> Result<String, KeyError> {
    let root = store.get_state(ROOT_STATE).await?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&root).into_owned())
}

/// Keeps these keys and no others; what was kept.
async fn write(store: &dyn Store, keys: &[Written]) -> Result<Vec<u8>, KeyError> {
    let bytes = serde_json::to_vec(keys).map_err(|error| KeyError::Unreadable(error.to_string()))?;
    store.put_state(KEYS_STATE, &bytes).await?;
    Ok(bytes)
}

async fn written(store: &dyn Store) -> Result<Option<Vec<Written>>, KeyError> {
    let Some(bytes) = store.get_state(KEYS_STATE).await? else { return Ok(None) };
    let keys =
        serde_json::from_slice(&bytes).map_err(|error| KeyError::Unreadable(format!("what the store has: {error}")))?;
    Ok(Some(keys))
}

/// Keys of its own for each test.
#[cfg(test)]
pub fn own_keys_for_tests() -> OwnKeys {
    OwnKeys::of(super::keys::own_key_for_tests())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{self, EngineChoice, StoreSettings};

    fn memory() -> Arc<dyn Store> {
        store::open(&StoreSettings { engine: EngineChoice::Memory, path: "unused".into() }).unwrap()
    }

    fn states(keys: &OwnKeys, now: Timestamp) -> Vec<&'static str> {
        keys.told(now).iter().map(|told| told.state).collect()
    }

    #[tokio::test]
    async fn a_new_key_is_published_for_a_day_before_it_signs_and_the_old_one_an_hour_after() {
        let store = memory();
        let (mine, other) = (OwnKeys::open(&*store).await.unwrap(), OwnKeys::open(&*store).await.unwrap());
        let now: Timestamp = "2026-05-04T11:20:00Z".parse().unwrap();
        let old = mine.signing(now);
        mine.rotate(&*store, now, false).await.unwrap();
        assert_eq!(states(&mine, now), ["to come", "signs"]);
        // Another gateway on this store hears of it.
        other.read(&*store).await.unwrap();
        assert_eq!(other.public(now), mine.public(now));
        let day = now + NOTICE;
        assert_eq!(mine.signing(day - SignedDuration::from_secs(1)).id(), old.id());
        let new = mine.signing(day);
        assert_ne!(new.id(), old.id());
        assert_eq!(other.signing(day).id(), new.id());
        assert_eq!(states(&mine, day), ["signs", "published"]);
        let end = day + AFTERLIFE;
        assert!(mine.known(old.id(), end - SignedDuration::from_secs(1)).is_some());
        assert!(mine.known(old.id(), end).is_none());
        assert_eq!(mine.public(end), [new.public_jwk().clone()]);
        // A store that is opened later tells the same, and its secrets are the old ones.
        let later = OwnKeys::open(&*store).await.unwrap();
        assert_eq!(later.signing(end).id(), new.id());
        assert_eq!(later.derived("pages"), mine.derived("pages"));
    }

    #[tokio::test]
    async fn one_change_waits_for_another_and_a_key_that_is_lost_ends_at_once() {
        let store = memory();
        let keys = OwnKeys::open(&*store).await.unwrap();
        let now: Timestamp = "2026-05-04T11:20:00Z".parse().unwrap();
        let old = keys.signing(now);
        keys.rotate(&*store, now, false).await.unwrap();
        let coming = keys.told(now).remove(0).id;
        let again = keys.rotate(&*store, now + SignedDuration::from_hours(2), false).await.unwrap_err();
        assert!(again.to_string().contains("signs from 2026-05-05T11:20:00Z"), "{again}");
        let later = now + SignedDuration::from_hours(3);
        keys.rotate(&*store, later, true).await.unwrap();
        assert_eq!(states(&keys, later), ["signs"]);
        assert!(keys.known(old.id(), later).is_none() && keys.known(&coming, later).is_none());
        // Nothing is made of the lost one, and it does not come back.
        let started_anew = OwnKeys::open(&*store).await.unwrap();
        assert_ne!(started_anew.derived("pages"), old.derived("pages"));
        assert_eq!(started_anew.public(later), keys.public(later));
        // … and then the next one takes its time again.
        keys.rotate(&*store, later, false).await.unwrap();
        assert_eq!(states(&keys, later), ["to come", "signs"]);
    }
}
