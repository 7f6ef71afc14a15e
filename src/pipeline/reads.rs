//! What reading writes: that a one-time value was used, and who was shown what. Goes to the store, or while that cannot be written to
//! into the reserve, from where it is written later.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use tokio::sync::watch;

use super::Gateway;
use super::reserve::{READS, size_of_entry, size_of_value};
use crate::store::{AuditEntry, StoreError, WriteUnit};

/// How often it is tried whether the store can be written to, and how much of the audit is written at once.
const TRY_EVERY: Duration = Duration::from_secs(1);
const BATCH: usize = 500;

impl Gateway {
    /// Whether a one-time value is used for the first time; it cannot be used again, also where only this process remembers it.
    ///
    /// Who keeps a value looks into the store after it, and who stored one looks into the reserve after it: of two that use it at
    /// the same time while the store fails or comes back, never both are the first.
    pub async fn remember_once(&self, kind: &str, value: &str, expires: Timestamp) -> Result<bool, StoreError> {
        let (now, key) = (self.clock.now(), (kind.to_string(), value.to_string()));
        let is_kept = || self.reserve.kept().once.get(&key).is_some_and(|until| *until > now);
        if is_kept() {
            return Ok(false);
        }
        let fault = if self.reserve.kept().is_empty() {
            match self.store.remember_once(kind, value, expires, now).await {
                Ok(first) => return Ok(first && !is_kept()),
                Err(fault) => fault,
            }
        } else {
            StoreError::Unavailable("what was used is kept in memory".to_string())
        };
        self.may_keep(fault)?;
        let bytes = size_of_value(kind, value);
        {
            let mut kept = self.reserve.kept();
            if kept.once.contains_key(&key) {
                return Ok(false);
            }
            if !kept.takes(bytes) {
                return Err(full());
            }
            kept.once.insert(key.clone(), expires);
        }
        self.note_reserve();
        let known = self.store.is_remembered(kind, value, now).await;
        if !matches!(known, Ok(false)) {
            let mut kept = self.reserve.kept();
            if kept.once.remove(&key).is_some() {
                kept.gives_back(bytes);
            }
        }
        known.map(|is_known| !is_known)
    }

    /// Writes who was shown what. When this returns it is durable, or kept for when the store can be written to.
    pub async fn write_audit(&self, entries: Vec<AuditEntry>) -> Result<(), StoreError> {
        let fault = if self.reserve.kept().is_empty() {
            let unit = WriteUnit { audit: entries.clone(), ..WriteUnit::default() };
            match self.store.commit(unit).await {
                Ok(_) => return Ok(()),
                Err(fault) => fault,
            }
        } else {
            StoreError::Unavailable("the audit is kept in memory".to_string())
        };
        self.may_keep(fault)?;
        let taken = {
            let mut kept = self.reserve.kept();
            let taken = kept.takes(entries.iter().map(size_of_entry).sum());
            if taken {
                kept.audit.extend(entries);
            }
            taken
        };
        self.note_reserve();
        if taken { Ok(()) } else { Err(full()) }
    }

    /// The fault again where nothing may be kept for it.
    fn may_keep(&self, fault: StoreError) -> Result<(), StoreError> {
        let is_passing = matches!(fault, StoreError::Unavailable(_)) && self.store.broken().now_or_never().is_none();
        if is_passing { Ok(()) } else { Err(fault) }
    }

    /// Says how it stands: a fault of the gateway's condition, and a line in the log when that begins, changes or ends.
    fn note_reserve(&self) {
        let (count, is_full) = self.reserve.standing();
        let before = self.condition.faults().into_iter().find(|fault| fault.part == READS);
        if count == 0 {
            if before.is_some() {
                self.condition.clear(READS);
                tracing::info!("the store can be written to: what reads had kept in memory is in it");
            }
            return;
        }
        let text = if is_full {
            "the store cannot be written to and no more can be kept in memory: tokens and reads are refused until there is room"
        } else {
            "the store cannot be written to: tokens and reads go on, and who was shown what is kept in memory until it can. It is \
             lost when the gateway ends before"
        };
        if before.is_none_or(|fault| fault.text != text) {
            tracing::warn!(count, is_full, "{text}");
        }
        self.condition.set(READS, self.clock.now(), text, Vec::new());
    }

    /// Writes what is kept, as far as the store takes it. Values count in memory until they are in the store.
    async fn empty_reserve(&self) -> Result<(), StoreError> {
        loop {
            let now = self.clock.now();
            let Some(((kind, value), expires)) = self.reserve.kept().once.first_key_value().map(owned) else { break };
            if expires > now {
                self.store.remember_once(&kind, &value, expires, now).await?;
            }
            let mut kept = self.reserve.kept();
            let bytes = size_of_value(&kind, &value);
            if kept.once.remove(&(kind, value)).is_some() {
                kept.gives_back(bytes);
            }
        }
        loop {
            // Nothing lost: the rest is written the next time round.
            let batch: Vec<AuditEntry> = self.reserve.kept().audit.iter().take(BATCH).cloned().collect();
            if batch.is_empty() {
                return Ok(());
            }
            let (count, bytes) = (batch.len(), batch.iter().map(size_of_entry).sum());
            self.store.commit(WriteUnit { audit: batch, ..WriteUnit::default() }).await?;
            let mut kept = self.reserve.kept();
            kept.audit.drain(..count);
            kept.gives_back(bytes);
            kept.is_full = false;
        }
    }
}

fn owned<'k>((key, until): (&'k (String, String), &'k Timestamp)) -> ((String, String), Timestamp) {
    (key.clone(), *until)
}

fn full() -> StoreError {
    StoreError::Unavailable("the store cannot be written to and no more can be kept in memory".to_string())
}

/// Writes what is kept as soon as the store takes it, until told to stop; then once more, and says what is lost.
pub async fn run(gateway: Arc<Gateway>, mut stop: watch::Receiver<bool>) {
    loop {
        let is_over = *stop.borrow();
        if gateway.reserve.standing().0 > 0 {
            // Nothing lost: it is kept, and tried again.
            let _ = gateway.empty_reserve().await;
            gateway.note_reserve();
        }
        if is_over {
            let (count, _) = gateway.reserve.standing();
            if count > 0 {
                tracing::error!(count, "the store cannot be written to: entries of who was shown what are lost");
            }
            return;
        }
        tokio::select! {
            _ = stop.changed() => {}
            () = tokio::time::sleep(TRY_EVERY) => {}
        }
    }
}
