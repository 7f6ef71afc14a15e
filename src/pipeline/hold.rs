//! Deliveries that wait for a person's word, all of them: after a store went back to an older state, what waits in it may be older
//! than what partners hold by now. The word is kept in the store, so that it counts for every gateway and after a restart.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Gateway;
use crate::problem::{Category, Place, Problem};
use crate::store::{AuditEntry, StoreError, WriteUnit};

/// The store's piece of state; empty where nothing is held.
pub const HOLD: &str = "deliveries-held";
/// The part that does not do what the site says meanwhile.
pub const DELIVERIES: &str = "deliveries";
/// What another gateway said counts here after this long.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Since when nothing is sent, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    pub since: Timestamp,
    pub why: String,
    pub who: String,
}

impl Hold {
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    fn of_bytes(bytes: &[u8]) -> Result<Option<Self>, StoreError> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let damaged = |_| StoreError::Damaged("why deliveries are held does not read".to_string());
        serde_json::from_slice(bytes).map(Some).map_err(damaged)
    }
}

/// When the store was last asked, and whether it said that deliveries are held.
#[derive(Debug, Default)]
pub(super) struct Looked(Mutex<Option<(Instant, bool)>>);

impl Gateway {
    /// Whether deliveries wait for a person's word. Asks the store every few seconds.
    pub async fn deliveries_are_held(&self) -> Result<bool, StoreError> {
        let known = *self.held.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, is_held)) = known.filter(|(at, _)| at.elapsed() < LOOK_EVERY) {
            let _ = at;
            return Ok(is_held);
        }
        let held = Hold::of_bytes(&self.store.get_state(HOLD).await?.unwrap_or_default())?;
        self.note_hold(held.as_ref());
        Ok(held.is_some())
    }

    fn note_hold(&self, held: Option<&Hold>) {
        match held {
            Some(hold) => {
                let text = format!(
                    "nothing is delivered: {}. Look at what partners hold, then `handover delivery resume`",
                    hold.why
                );
                self.condition.set(DELIVERIES, hold.since, text, Vec::new());
            }
            None => self.condition.clear(DELIVERIES),
        }
        *self.held.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), held.is_some()));
    }

    /// Nothing is delivered any more until a person says so.
    pub(super) async fn hold_deliveries(&self, why: &str, who: &str) -> Result<Value, Problem> {
        let hold = Hold { since: self.clock.now(), why: why.trim().to_string(), who: who.to_string() };
        if hold.why.is_empty() {
            return Err(Problem::error(Category::Required, Place::Whole, "say why nothing is to be delivered (--why)"));
        }
        self.say_hold(&hold.to_bytes(), "hold", who, &hold.why).await.map_err(fault)?;
        self.note_hold(Some(&hold));
        tracing::warn!(why = hold.why, "deliveries are held");
        Ok(json!({ "held": hold }))
    }

    pub(super) async fn resume_deliveries(&self, who: &str) -> Result<Value, Problem> {
        let held = self.store.get_state(HOLD).await.map_err(fault)?.unwrap_or_default();
        let held = Hold::of_bytes(&held).map_err(fault)?;
        if held.is_some() {
            self.say_hold(b"", "resume", who, "deliveries go on").await.map_err(fault)?;
            tracing::info!("deliveries go on");
        }
        self.note_hold(None);
        self.delivery_bell.notify_one();
        Ok(json!({ "held": null, "before": held }))
    }

    async fn say_hold(&self, state: &[u8], action: &str, who: &str, because: &str) -> Result<(), StoreError> {
        self.store.put_state(HOLD, state).await?;
        let entry = AuditEntry {
            at: self.clock.now(),
            agent: who.to_string(),
            action: action.to_string(),
            person: None,
            subject: "deliveries".to_string(),
            allowed: true,
            because: because.to_string(),
        };
        self.store.commit(WriteUnit { audit: vec![entry], ..WriteUnit::default() }).await.map(|_| ())
    }
}

fn fault(error: StoreError) -> Problem {
    Problem::error(Category::Exception, Place::Whole, error.to_string())
}
