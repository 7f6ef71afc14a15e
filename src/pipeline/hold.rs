//! Deliveries that wait for a person's word, all of them: after a store went back to an older state, what waits in it may be older
//! than what partners hold by now. The word is kept in the store, so that it counts for every gateway and after a restart.

use serde_json::{Value, json};

use super::Gateway;
use super::held::{DELIVERIES, HOLD, Hold};
use super::operation::fault;
use crate::identity::PersonId;
use crate::problem::{Category, Place, Problem};
use crate::store::{AuditEntry, StoreError, WriteUnit};

impl Gateway {
    /// Whether deliveries wait for a person's word. Asks the store every few seconds.
    pub async fn deliveries_are_held(&self) -> Result<bool, StoreError> {
        if let Some(is_held) = self.held.lately() {
            return Ok(is_held);
        }
        let held = self.kept_hold().await?;
        self.note_hold(held.as_ref());
        Ok(held.is_some())
    }

    async fn kept_hold(&self) -> Result<Option<Hold>, StoreError> {
        let kept = self.store.get_state(HOLD).await?.unwrap_or_default();
        Ok(Hold::of_bytes(&kept, self.clock.now()))
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
        self.held.saw(held.is_some());
    }

    /// Nothing is delivered any more until a person says so.
    pub(super) async fn hold_deliveries(&self, why: &str, who: &str) -> Result<Value, Problem> {
        let hold = Hold { since: self.clock.now(), why: why.trim().to_string(), who: who.to_string() };
        if hold.why.is_empty() {
            return Err(Problem::error(Category::Required, Place::Whole, "say why nothing is to be delivered (--why)"));
        }
        self.say_of_deliveries(("hold", "deliveries"), None, who, &hold.why).await.map_err(fault)?;
        self.store.put_state(HOLD, &hold.to_bytes()).await.map_err(fault)?;
        self.note_hold(Some(&hold));
        tracing::warn!(why = hold.why, "deliveries are held");
        Ok(json!({ "held": hold }))
    }

    pub(super) async fn resume_deliveries(&self, who: &str) -> Result<Value, Problem> {
        let held = self.kept_hold().await.map_err(fault)?;
        if held.is_some() {
            self.say_of_deliveries(("resume", "deliveries"), None, who, "deliveries go on").await.map_err(fault)?;
            self.store.put_state(HOLD, b"").await.map_err(fault)?;
            tracing::info!("deliveries go on");
        }
        self.note_hold(None);
        self.delivery_bell.notify_one();
        Ok(json!({ "held": null, "before": held }))
    }

    /// Writes into the audit who said what about deliveries, and about whom; before it is done, so that nothing is done of which
    /// nobody is known to have said it.
    pub(super) async fn say_of_deliveries(
        &self,
        (action, subject): (&str, &str),
        person: Option<PersonId>,
        who: &str,
        because: &str,
    ) -> Result<(), StoreError> {
        let entry = AuditEntry {
            at: self.clock.now(),
            agent: who.to_string(),
            action: action.to_string(),
            person,
            subject: subject.to_string(),
            allowed: true,
            because: because.to_string(),
        };
        self.store.commit(WriteUnit { audit: vec![entry], ..WriteUnit::default() }).await.map(|_| ())
    }
}
