//! A copy of a sled tree as it was at one moment, while it is written to. sled has no snapshots: a writer keeps what it is about to
//! change of the part that the copy has not come to, and the copy takes that instead. Never holds writers up for more than a chunk.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use super::{EngineError, Pair};

/// What one look at the tree reads at most.
const CHUNK_COUNT: usize = 1000;
const CHUNK_BYTES: usize = 1024 * 1024;
/// What may be kept in memory of what was changed meanwhile.
const KEPT_BYTES: usize = 256 * 1024 * 1024;

/// The copy that is under way, where there is one.
#[derive(Default)]
pub struct Copying(Mutex<Option<Before>>);

/// What the tree held when the copy began, of what was changed since.
#[derive(Default)]
struct Before {
    /// Everything before this key was copied.
    from: Vec<u8>,
    kept: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    bytes: usize,
}

impl Copying {
    /// Called by a writer that is alone, before it changes these keys.
    pub fn keep<'k>(&self, tree: &sled::Tree, keys: impl Iterator<Item = &'k Vec<u8>>) -> Result<(), EngineError> {
        let mut copying = self.lock();
        let Some(before) = copying.as_mut() else { return Ok(()) };
        for key in keys.filter(|key| **key >= before.from) {
            if !before.kept.contains_key(key) {
                let value = tree.get(key).map_err(|error| damaged(&error))?.map(|value| value.to_vec());
                before.bytes += key.len() + value.as_ref().map_or(0, Vec::len);
                before.kept.insert(key.clone(), value);
            }
        }
        if before.bytes > KEPT_BYTES {
            // The copy finds that it is over.
            *copying = None;
        }
        Ok(())
    }

    pub fn copy(
        &self,
        tree: &sled::Tree,
        gate: &RwLock<()>,
        take: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), EngineError> {
        {
            let _alone = gate.write().unwrap_or_else(PoisonError::into_inner);
            let mut copying = self.lock();
            if copying.is_some() {
                return Err(EngineError::Busy("a copy is being made already; wait until that is done".to_string()));
            }
            *copying = Some(Before::default());
        }
        let _end = End(self);
        loop {
            let (pairs, is_last) = self.chunk(tree, gate)?;
            if !pairs.iter().all(|(key, value)| take(key, value)) || is_last {
                return Ok(());
            }
        }
    }

    /// The next pairs as they were, and whether they are the last ones.
    fn chunk(&self, tree: &sled::Tree, gate: &RwLock<()>) -> Result<(Vec<Pair>, bool), EngineError> {
        let _unchanged = gate.read().unwrap_or_else(PoisonError::into_inner);
        let mut copying = self.lock();
        let before = copying.as_mut().ok_or_else(|| {
            EngineError::Busy("too much was changed while the copy was made; stop the gateway for it".to_string())
        })?;
        let (mut pairs, mut bytes) = (BTreeMap::new(), 0);
        let mut rest = tree.range(before.from.as_slice()..);
        let mut is_last = true;
        for pair in rest.by_ref() {
            let (key, value) = pair.map_err(|error| damaged(&error))?;
            bytes += key.len() + value.len();
            pairs.insert(key.to_vec(), value.to_vec());
            if pairs.len() == CHUNK_COUNT || bytes >= CHUNK_BYTES {
                is_last = false;
                break;
            }
        }
        let mut kept = std::mem::take(&mut before.kept);
        if let Some((last, _)) = pairs.last_key_value().filter(|_| !is_last) {
            before.from = [last.as_slice(), &[0]].concat();
            before.kept = kept.split_off(&before.from);
        }
        before.bytes = before.bytes.saturating_sub(size(&kept));
        for (key, value) in kept {
            match value {
                Some(value) => pairs.insert(key, value),
                None => pairs.remove(&key),
            };
        }
        Ok((pairs.into_iter().collect(), is_last))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Before>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn size(kept: &BTreeMap<Vec<u8>, Option<Vec<u8>>>) -> usize {
    kept.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len)).sum()
}

/// Writers keep nothing any more.
struct End<'c>(&'c Copying);

impl Drop for End<'_> {
    fn drop(&mut self) {
        *self.0.lock() = None;
    }
}

fn damaged(error: &sled::Error) -> EngineError {
    EngineError::Damaged(error.to_string())
}
