//! What an engine must do: read a consistent view in order of keys, and write a set of changes as a whole and durably.
//! Knows nothing of what the keys mean.

use std::collections::BTreeMap;
use std::io;

/// What one commit changes: a value, or none for a key that goes. Already in order, each key once.
pub type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

pub type Pair = (Vec<u8>, Vec<u8>);

/// Why an engine failed.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The changes could not be written for want of room or permission. After reopening, they are there whole or not at all.
    #[error("{0}")]
    Unwritable(String),
    /// A write or a sync failed in a way that leaves open what the disk holds; only a restart can tell.
    #[error("{0}")]
    Unsure(String),
    /// Another process has it open.
    #[error("{0}")]
    Locked(String),
    /// Not now, for what is under way already.
    #[error("{0}")]
    Busy(String),
    #[error("{0}")]
    Damaged(String),
}

impl EngineError {
    /// Sorts an error of the operating system by what it says about the data that was being written.
    pub fn of_write(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::PermissionDenied => Self::Unwritable(error.to_string()),
            _ => Self::Unsure(error.to_string()),
        }
    }
}

/// An ordered key-value engine. Writing is for one thread; reading for many.
pub trait Engine: Send + Sync {
    /// What is committed now, unaffected by later writes. Never shows what is not durable yet.
    fn view(&self) -> Result<Box<dyn View + '_>, EngineError>;

    /// Writes all changes or none; when it returns they survive a power cut.
    fn write(&self, changes: Changes) -> Result<(), EngineError>;

    /// Gives every pair of one moment in order of keys, while writing goes on, until `take` wants no more.
    fn copy(&self, take: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), EngineError>;

    /// Writes everything anew without what was taken away, beside reading and writing: work in proportion to the whole, and room for
    /// it twice. An engine that never gives space back does nothing.
    fn merge(&self) -> Result<(), EngineError> {
        Ok(())
    }

    /// Gives the space of what was written anew back to the disk. Something must have been written since.
    fn let_go(&self) -> Result<(), EngineError> {
        Ok(())
    }

    fn disk_bytes(&self) -> u64;
}

/// A consistent view of an engine.
pub trait View {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError>;

    /// The first `limit` pairs of the span in its direction.
    fn scan(&self, span: &Span, limit: usize) -> Result<Vec<Pair>, EngineError>;
}

/// A range of keys, `from` inclusive, `until` exclusive, read forwards or backwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    pub from: Vec<u8>,
    pub until: Vec<u8>,
    pub backwards: bool,
}

impl Span {
    /// All keys that begin so. The prefix must not consist of 0xFF only; ours begin with the number of a keyspace.
    pub fn prefix(prefix: Vec<u8>) -> Self {
        let mut until = prefix.clone();
        while let Some(last) = until.pop() {
            if last < u8::MAX {
                until.push(last + 1);
                break;
            }
        }
        Self { from: prefix, until, backwards: false }
    }

    pub fn between(from: Vec<u8>, until: Vec<u8>) -> Self {
        Self { from, until, backwards: false }
    }

    pub fn backwards(mut self) -> Self {
        self.backwards = true;
        self
    }

    /// What is left of the span after this key was read.
    pub fn after(&self, key: &[u8]) -> Self {
        let mut rest = self.clone();
        if self.backwards {
            rest.until = rest.until.min(key.to_vec());
        } else {
            let mut next = key.to_vec();
            next.push(0);
            rest.from = rest.from.max(next);
        }
        rest
    }

    /// Whether one key comes before another in the direction of reading.
    pub fn is_before(&self, one: &[u8], other: &[u8]) -> bool {
        if self.backwards { one > other } else { one < other }
    }

    pub fn is_empty(&self) -> bool {
        self.from >= self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_that_ends_in_the_highest_byte_still_ends() {
        let span = Span::prefix(vec![3, 255, 255]);
        assert_eq!(span.until, vec![4]);
    }

    #[test]
    fn a_span_goes_on_after_the_key_read_last_in_both_directions() {
        let span = Span::prefix(vec![1]);
        assert_eq!(span.after(&[1, 5]).from, vec![1, 5, 0]);
        assert_eq!(span.clone().backwards().after(&[1, 5]).until, vec![1, 5]);
        assert!(span.after(&[2]).is_empty());
    }
}
