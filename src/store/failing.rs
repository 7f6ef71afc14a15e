//! For tests: a store in memory whose disk fails when it is told to.

use std::sync::{Arc, Mutex};

use super::Store;
use super::embedded::Embedded;
use super::engine::{Changes, Engine, EngineError, Memory, View};

/// What happens to writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Disk {
    #[default]
    Well,
    Full,
    /// One write more fits.
    AlmostFull,
    /// A sync failed, and nobody knows what is there.
    Unsure,
    /// It says that all is well, and keeps nothing.
    Lying,
}

/// Stores can be opened on it one after the other.
#[derive(Clone, Default)]
pub struct FailingDisk {
    memory: Memory,
    disk: Arc<Mutex<Disk>>,
}

impl FailingDisk {
    pub fn open(&self) -> Arc<dyn Store> {
        let engine = self.clone();
        Arc::new(Embedded::open("memory", None, Box::new(move || Ok(Box::new(engine.clone())))).unwrap())
    }

    pub fn is(&self, disk: Disk) -> bool {
        *self.disk.lock().unwrap() == disk
    }

    pub fn becomes(&self, disk: Disk) {
        *self.disk.lock().unwrap() = disk;
    }
}

impl Engine for FailingDisk {
    fn view(&self) -> Result<Box<dyn View + '_>, EngineError> {
        self.memory.view()
    }

    fn write(&self, changes: Changes) -> Result<(), EngineError> {
        let mut disk = self.disk.lock().unwrap();
        match *disk {
            Disk::Well => self.memory.write(changes),
            Disk::AlmostFull => {
                *disk = Disk::Full;
                self.memory.write(changes)
            }
            Disk::Lying => Ok(()),
            Disk::Full => Err(EngineError::Unwritable("no space left".to_string())),
            Disk::Unsure => Err(EngineError::Unsure("input/output error".to_string())),
        }
    }

    fn copy(&self, take: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), EngineError> {
        self.memory.copy(take)
    }

    fn disk_bytes(&self) -> u64 {
        self.memory.disk_bytes()
    }
}

/// A store and the disk that it believes to be on.
pub fn failing_store() -> (Arc<dyn Store>, Arc<Mutex<Disk>>) {
    let engine = FailingDisk::default();
    (engine.open(), engine.disk)
}

#[tokio::test]
async fn a_store_that_does_not_know_what_it_holds_says_that_it_is_over_and_a_full_one_does_not() {
    let (store, disk) = failing_store();
    store.put_state("name", b"1").await.unwrap();
    *disk.lock().unwrap() = Disk::Full;
    store.put_state("name", b"2").await.unwrap_err();
    let over = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.broken().await }
    });
    *disk.lock().unwrap() = Disk::Well;
    while store.put_state("name", b"3").await.is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(!over.is_finished());
    *disk.lock().unwrap() = Disk::Unsure;
    store.put_state("name", b"4").await.unwrap_err();
    assert!(over.await.unwrap().contains("input/output error"));
    *disk.lock().unwrap() = Disk::Well;
    store.put_state("name", b"5").await.unwrap_err();
    assert_eq!(store.get_state("name").await.unwrap().unwrap(), b"3", "it can still be read");
}
