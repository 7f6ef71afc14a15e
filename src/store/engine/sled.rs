//! sled 0.34, selectable: one tree, one batch per commit, flushed and then synced by us, because sled itself only hands
//! its writes to the kernel. docs/decisions/0001-embedded-store.md says what was measured.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use super::sled_copy::Copying;
use super::{Changes, Engine, EngineError, Pair, Span, View};

/// sled never comes back from a write for which there is no room (its flush waits for ever), so it is not let to try.
const RESERVE_BYTES: u64 = 32 * 1024 * 1024;
const CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// sled lets go of its file a moment after its last handle, on a thread of its own: who opens a store that this process has just closed waits
/// for that. Another process has it for longer.
const LOCK_TRIES: u32 = 40;
const LOCK_WAIT: Duration = Duration::from_millis(25);

pub struct Sled {
    database: sled::Db,
    /// sled has no snapshots. Views share this lock; a write holds it alone until its changes are durable, so that a view
    /// is consistent and never shows what a power cut could take back.
    gate: RwLock<()>,
    file: File,
    blobs: PathBuf,
    synced_blobs: Mutex<HashSet<PathBuf>>,
    copying: Copying,
}

impl Sled {
    pub fn open(path: &Path) -> Result<Self, EngineError> {
        let config = sled::Config::new().path(path).cache_capacity(CACHE_BYTES).flush_every_ms(None);
        let is_locked = |error: &sled::Error| matches!(error, sled::Error::Io(io) if io.to_string().contains("lock"));
        let mut opened = config.open();
        for _ in 0..LOCK_TRIES {
            if !opened.as_ref().is_err_and(is_locked) {
                break;
            }
            std::thread::sleep(LOCK_WAIT);
            opened = config.open();
        }
        let database = opened.map_err(|error| match &error {
            error if is_locked(error) => EngineError::Locked(error.to_string()),
            sled::Error::Io(io) => EngineError::of_write(io),
            other => EngineError::Damaged(other.to_string()),
        })?;
        let file = File::open(path.join("db")).map_err(|error| EngineError::of_write(&error))?;
        let blobs = path.join("blobs");
        Ok(Self {
            database,
            gate: RwLock::new(()),
            file,
            blobs,
            synced_blobs: Mutex::default(),
            copying: Copying::default(),
        })
    }

    fn check_room(&self) -> io::Result<()> {
        let disk = rustix::fs::fstatvfs(&self.file)?;
        if disk.f_bavail.saturating_mul(disk.f_frsize) < RESERVE_BYTES {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "less than 32 MiB are free, which sled needs"));
        }
        Ok(())
    }

    /// Values of half a megabyte and more go to files of their own, which sled never syncs either.
    fn sync_files(&self) -> io::Result<()> {
        let mut synced = self.synced_blobs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut present = HashSet::new();
        for entry in fs::read_dir(&self.blobs)? {
            let path = entry?.path();
            if !synced.contains(&path) {
                match File::open(&path) {
                    Ok(file) => file.sync_all()?,
                    // Its value was overwritten meanwhile.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(error),
                }
            }
            present.insert(path);
        }
        if present != *synced {
            File::open(&self.blobs)?.sync_all()?;
            *synced = present;
        }
        drop(synced);
        self.file.sync_all()
    }
}

impl Engine for Sled {
    fn view(&self) -> Result<Box<dyn View + '_>, EngineError> {
        let guard = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        Ok(Box::new(Held { tree: &self.database, _guard: guard }))
    }

    fn write(&self, changes: Changes) -> Result<(), EngineError> {
        self.check_room().map_err(|error| EngineError::of_write(&error))?;
        let _alone = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        self.copying.keep(&self.database, changes.keys())?;
        let mut batch = sled::Batch::default();
        for (key, value) in changes {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        self.database.apply_batch(batch).map_err(|error| of_write(&error))?;
        self.database.flush().map_err(|error| of_write(&error))?;
        self.sync_files().map_err(|error| EngineError::of_write(&error))
    }

    fn copy(&self, take: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), EngineError> {
        self.copying.copy(&self.database, &self.gate, take)
    }

    fn disk_bytes(&self) -> u64 {
        self.database.size_on_disk().unwrap_or_default()
    }
}

struct Held<'a> {
    tree: &'a sled::Tree,
    _guard: RwLockReadGuard<'a, ()>,
}

impl View for Held<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        let value = self.tree.get(key).map_err(|error| EngineError::Damaged(error.to_string()))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn scan(&self, span: &Span, limit: usize) -> Result<Vec<Pair>, EngineError> {
        if span.is_empty() {
            return Ok(Vec::new());
        }
        let range = self.tree.range(span.from.as_slice()..span.until.as_slice());
        let copy = |pair: sled::Result<(sled::IVec, sled::IVec)>| {
            let (key, value) = pair.map_err(|error| EngineError::Damaged(error.to_string()))?;
            Ok((key.to_vec(), value.to_vec()))
        };
        if span.backwards { range.rev().take(limit).map(copy).collect() } else { range.take(limit).map(copy).collect() }
    }
}

fn of_write(error: &sled::Error) -> EngineError {
    match error {
        sled::Error::Io(io) => EngineError::of_write(io),
        other => EngineError::Unsure(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_opens_what_is_just_being_closed_waits_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let first = Sled::open(folder.path()).unwrap();
        let closing = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(150));
            drop(first);
        });
        assert!(Sled::open(folder.path()).is_ok());
        closing.join().unwrap();
    }
}
