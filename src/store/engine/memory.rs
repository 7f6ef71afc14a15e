//! An engine that forgets: for tests and trials. Clones share what they hold, so that a store can be "reopened".

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use super::{Changes, Engine, EngineError, Pair, Span, View};

type Tree = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Debug, Clone, Default)]
pub struct Memory(Arc<RwLock<Tree>>);

impl Engine for Memory {
    fn view(&self) -> Result<Box<dyn View + '_>, EngineError> {
        Ok(Box::new(Held(self.0.read().unwrap_or_else(PoisonError::into_inner))))
    }

    fn write(&self, changes: Changes) -> Result<(), EngineError> {
        let mut tree = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in changes {
            match value {
                Some(value) => tree.insert(key, value),
                None => tree.remove(&key),
            };
        }
        Ok(())
    }

    fn copy(&self, take: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), EngineError> {
        let tree = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        // Nothing lost: whoever takes says when it has enough.
        let _ = tree.iter().all(|(key, value)| take(key, value));
        Ok(())
    }

    fn disk_bytes(&self) -> u64 {
        0
    }
}

/// Writers wait while a view is open: simple, and views are short.
struct Held<'a>(RwLockReadGuard<'a, Tree>);

impl View for Held<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        Ok(self.0.get(key).cloned())
    }

    fn scan(&self, span: &Span, limit: usize) -> Result<Vec<Pair>, EngineError> {
        if span.is_empty() {
            return Ok(Vec::new());
        }
        let range = self.0.range(span.from.clone()..span.until.clone());
        let copy = |(key, value): (&Vec<u8>, &Vec<u8>)| (key.clone(), value.clone());
        Ok(if span.backwards {
            range.rev().take(limit).map(copy).collect()
        } else {
            range.take(limit).map(copy).collect()
        })
    }
}
