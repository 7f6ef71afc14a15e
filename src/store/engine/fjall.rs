//! The default engine: fjall, a log-structured merge tree with a journal that is synced before a write becomes visible.

use std::path::Path;

use fjall::{Database, Error, Keyspace, KeyspaceCreateOptions, PersistMode, Readable, Snapshot};

use super::{Changes, Engine, EngineError, Pair, Span, View};

/// Bounds on what waits in memory and in journals: they bound the stall when it is written out, and the time to open.
const MEMTABLE_BYTES: u64 = 32 * 1024 * 1024;
const JOURNAL_BYTES: u64 = 256 * 1024 * 1024;
const CACHE_BYTES: u64 = 64 * 1024 * 1024;

pub struct Fjall {
    database: Database,
    data: Keyspace,
}

impl Fjall {
    pub fn open(path: &Path) -> Result<Self, EngineError> {
        let builder = Database::builder(path)
            .cache_size(CACHE_BYTES)
            .max_journaling_size(JOURNAL_BYTES)
            .worker_threads(2)
            // Every write of ours asks for its sync itself.
            .manual_journal_persist(true);
        let database = builder.open().map_err(|error| of_open(&error))?;
        let options = || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES);
        let data = database.keyspace("data", options).map_err(|error| of_open(&error))?;
        Ok(Self { database, data })
    }
}

impl Engine for Fjall {
    fn view(&self) -> Result<Box<dyn View + '_>, EngineError> {
        Ok(Box::new(At { snapshot: self.database.snapshot(), data: &self.data }))
    }

    fn write(&self, changes: Changes) -> Result<(), EngineError> {
        // With a durability of its own, a batch is synced first and shown to readers after.
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncData));
        for (key, value) in changes {
            match value {
                Some(value) => batch.insert(&self.data, key, value),
                None => batch.remove(&self.data, key),
            }
        }
        batch.commit().map_err(|error| of_write(&error))
    }

    fn copy(&self, take: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), EngineError> {
        let snapshot = self.database.snapshot();
        for guard in snapshot.iter(&self.data) {
            let (key, value) = guard.into_inner().map_err(|error| damaged(&error))?;
            if !take(&key, &value) {
                break;
            }
        }
        Ok(())
    }

    /// Deleting is writing: a tombstone stands above what it hides until both are merged, and tables are merged when some of them
    /// have filled up, which tombstones of twenty bytes do not do.
    fn merge(&self) -> Result<(), EngineError> {
        let disk = rustix::fs::statvfs(self.data.path()).map_err(|error| EngineError::of_write(&error.into()))?;
        if disk.f_bavail.saturating_mul(disk.f_frsize) < self.data.disk_space() {
            return Err(EngineError::Busy("there is no room to write it anew".to_string()));
        }
        self.data.rotate_memtable_and_wait().map_err(|error| of_write(&error))?;
        self.data.major_compact().map_err(|error| of_write(&error))
    }

    /// Tables that were merged are kept for who may still read them, and fjall looks whether anybody does when it next fills a
    /// table: in a store that is written to rarely, that is hours later.
    fn let_go(&self) -> Result<(), EngineError> {
        self.data.rotate_memtable_and_wait().map_err(|error| of_write(&error))
    }

    fn disk_bytes(&self) -> u64 {
        self.database.disk_space().unwrap_or_default()
    }
}

struct At<'a> {
    snapshot: Snapshot,
    data: &'a Keyspace,
}

impl View for At<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        let value = self.snapshot.get(self.data, key).map_err(|error| damaged(&error))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn scan(&self, span: &Span, limit: usize) -> Result<Vec<Pair>, EngineError> {
        if span.is_empty() {
            return Ok(Vec::new());
        }
        let range = self.snapshot.range(self.data, span.from.as_slice()..span.until.as_slice());
        let copy = |guard: fjall::Guard| {
            let (key, value) = guard.into_inner().map_err(|error| damaged(&error))?;
            Ok((key.to_vec(), value.to_vec()))
        };
        if span.backwards { range.rev().take(limit).map(copy).collect() } else { range.take(limit).map(copy).collect() }
    }
}

fn damaged(error: &Error) -> EngineError {
    EngineError::Damaged(error.to_string())
}

fn of_open(error: &Error) -> EngineError {
    match error {
        Error::Locked => EngineError::Locked("another process has the store open".to_string()),
        Error::Io(io) => EngineError::of_write(io),
        other => EngineError::Damaged(other.to_string()),
    }
}

fn of_write(error: &Error) -> EngineError {
    match error {
        Error::Io(io) => EngineError::of_write(io),
        Error::Storage(fjall::LsmError::Io(io)) => EngineError::of_write(io),
        // A background flush failed. What it was flushing is still in synced journals, so reopening loses nothing.
        Error::Poisoned => EngineError::Unwritable("writing tables out failed in the background".to_string()),
        other => EngineError::Unsure(other.to_string()),
    }
}
