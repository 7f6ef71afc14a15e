//! What the writer thread and the readers share: the engine, and whether it can be written to.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::watch;

use super::counters::Counters;
use super::leases::Leases;
use super::queue::Queue;
use crate::identity::PersonId;
use crate::store::aside::waiting;
use crate::store::engine::{Engine, View};
use crate::store::{Health, StoreError};

/// So many keys are looked up on the spot.
const FEW: usize = 8;

/// Opens the engine, at the start and again after it could not write.
pub type Opener = Box<dyn Fn() -> Result<Box<dyn Engine>, StoreError> + Send + Sync>;

pub struct Shared {
    /// None once closed, and for the moment of reopening. Readers hold the lock while they read, so that reopening waits for
    /// them and nobody reads an engine that is being replaced.
    engine: RwLock<Option<Box<dyn Engine>>>,
    fault: Mutex<Option<String>>,
    closing: AtomicBool,
    pub deliveries: Queue,
    pub timers: Leases<(PersonId, jiff::Timestamp)>,
    /// The fault after which only a restart helps.
    pub broken: watch::Sender<Option<String>>,
}

impl Shared {
    pub fn new(engine: Box<dyn Engine>) -> Self {
        Self {
            engine: RwLock::new(Some(engine)),
            fault: Mutex::new(None),
            closing: AtomicBool::new(false),
            deliveries: Queue::default(),
            timers: Leases::default(),
            broken: watch::Sender::new(None),
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

    /// Reads where the thread may wait for the disk.
    pub async fn wait_and_read<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&dyn View) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = Arc::clone(self);
        waiting(move || shared.read(read)).await
    }

    /// Reads a single key, or what hangs on it, on the spot: that takes less than handing it to a thread that may wait, mostly even where the disk
    /// has to be asked. Only while the engine is opened anew it is handed over.
    pub async fn look_up<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&dyn View) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        if let Ok(engine) = self.engine.try_read()
            && let Some(engine) = engine.as_deref()
        {
            return read(&*engine.view()?);
        }
        self.wait_and_read(read).await
    }

    /// The same for so many, as long as they are few.
    pub async fn look_up_several<T: Send + 'static>(
        self: &Arc<Self>,
        count: usize,
        read: impl FnOnce(&dyn View) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        if count <= FEW { self.look_up(read).await } else { self.wait_and_read(read).await }
    }

    /// Closes the engine and opens it again. If that fails it stays closed until the next try.
    pub fn reopen(&self, open: &Opener) -> Result<(), StoreError> {
        let mut engine = self.engine.write().unwrap_or_else(PoisonError::into_inner);
        // The old one must have let go of its files first.
        drop(engine.take());
        *engine = Some(open()?);
        Ok(())
    }

    /// Whoever reads for long must end: what waits for readers waits for them.
    pub fn begin_closing(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// Why a read that lasts must end, so that the engine can be closed or opened anew.
    pub fn must_stop_reading(&self) -> Option<String> {
        if self.closing.load(Ordering::Relaxed) { Some("the store is being closed".to_string()) } else { self.fault() }
    }

    pub fn close(&self) {
        self.engine.write().unwrap_or_else(PoisonError::into_inner).take();
    }

    pub fn health(&self, engine_name: &'static str) -> Result<Health, StoreError> {
        let counters = self.read(Counters::read)?;
        Ok(Health {
            fault: self.fault(),
            engine: engine_name,
            messages: counters.messages,
            records: counters.records,
            deliveries_waiting: counters.waiting,
            deliveries_held: counters.held,
            deliveries_dead: counters.dead,
            oldest_delivery: self.deliveries.oldest(),
            disk_bytes: self.with_engine(|engine| Ok(engine.disk_bytes()))?,
        })
    }

    pub fn fault(&self) -> Option<String> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn set_fault(&self, fault: Option<String>) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }
}

/// The health of a store that cannot even be asked.
pub fn without_answer(engine: &'static str, fault: String) -> Health {
    Health {
        fault: Some(fault),
        engine,
        messages: 0,
        records: 0,
        deliveries_waiting: 0,
        deliveries_held: 0,
        deliveries_dead: 0,
        oldest_delivery: None,
        disk_bytes: 0,
    }
}

/// Never returns when the store ends whole.
pub async fn broken(mut broken: watch::Receiver<Option<String>>) -> String {
    if let Ok(fault) = broken.wait_for(Option::is_some).await
        && let Some(fault) = fault.as_ref()
    {
        return fault.clone();
    }
    std::future::pending().await
}
