//! What the writer thread and the readers share: the engine, and whether it can be written to.

use std::sync::{Mutex, PoisonError, RwLock};

use tokio::sync::watch;

use super::leases::Leases;
use crate::identity::PersonId;
use crate::store::StoreError;
use crate::store::engine::{Engine, View};

/// Opens the engine, at the start and again after it could not write.
pub type Opener = Box<dyn Fn() -> Result<Box<dyn Engine>, StoreError> + Send + Sync>;

pub struct Shared {
    /// None once closed, and for the moment of reopening. Readers hold the lock while they read, so that reopening waits for
    /// them and nobody reads an engine that is being replaced.
    engine: RwLock<Option<Box<dyn Engine>>>,
    fault: Mutex<Option<String>>,
    pub deliveries: Leases<String>,
    pub timers: Leases<(PersonId, jiff::Timestamp)>,
    pub committed: watch::Sender<u64>,
}

impl Shared {
    pub fn new(engine: Box<dyn Engine>, sequence: u64) -> Self {
        Self {
            engine: RwLock::new(Some(engine)),
            fault: Mutex::new(None),
            deliveries: Leases::default(),
            timers: Leases::default(),
            committed: watch::Sender::new(sequence),
        }
    }

    pub fn with_engine<T>(&self, use_it: impl FnOnce(&dyn Engine) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let engine = self.engine.read().unwrap_or_else(PoisonError::into_inner);
        match engine.as_deref() {
            Some(engine) => use_it(engine),
            None => Err(StoreError::Unavailable(self.fault().unwrap_or_else(|| "the store is closed".to_string()))),
        }
    }

    pub fn read<T>(&self, read: impl FnOnce(&dyn View) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.with_engine(|engine| read(&*engine.view()?))
    }

    /// Closes the engine and opens it again. If that fails it stays closed until the next try.
    pub fn reopen(&self, open: &Opener) -> Result<(), StoreError> {
        let mut engine = self.engine.write().unwrap_or_else(PoisonError::into_inner);
        // The old one must have let go of its files first.
        drop(engine.take());
        *engine = Some(open()?);
        Ok(())
    }

    pub fn close(&self) {
        self.engine.write().unwrap_or_else(PoisonError::into_inner).take();
    }

    pub fn fault(&self) -> Option<String> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn set_fault(&self, fault: Option<String>) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }
}
