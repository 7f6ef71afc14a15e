//! For tests: a store in memory whose disk can be full for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Store;
use super::embedded::Embedded;
use super::engine::{Changes, Engine, EngineError, Memory, View};

#[derive(Clone, Default)]
struct Failing {
    memory: Memory,
    is_full: Arc<AtomicBool>,
}

impl Engine for Failing {
    fn view(&self) -> Result<Box<dyn View + '_>, EngineError> {
        self.memory.view()
    }

    fn write(&self, changes: Changes) -> Result<(), EngineError> {
        match self.is_full.load(Ordering::SeqCst) {
            true => Err(EngineError::Unwritable("no space left".to_string())),
            false => self.memory.write(changes),
        }
    }

    fn disk_bytes(&self) -> u64 {
        self.memory.disk_bytes()
    }
}

/// While the switch is on, nothing can be written.
pub fn failing_store() -> (Arc<dyn Store>, Arc<AtomicBool>) {
    let engine = Failing::default();
    let is_full = Arc::clone(&engine.is_full);
    let store = Embedded::open("memory", None, Box::new(move || Ok(Box::new(engine.clone())))).unwrap();
    (Arc::new(store), is_full)
}
