//! Why the store could not do as asked.

use std::path::PathBuf;

use super::backup::BackupFault;
use super::engine::EngineError;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else changed the record first: load it again and decide again.
    #[error("the record changed meanwhile")]
    Conflict,
    /// This input is already there, under the sequence number given.
    #[error("this input was already taken in")]
    Duplicate(u64),
    /// The sender must try again later (disk full, queue full, database away). Nothing was written, or rarely all of it:
    /// when it was the sync that failed. Trying again is safe either way, because inputs are recognised.
    #[error("the store cannot write now: {0}")]
    Unavailable(String),
    /// What was read is not what was written.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// More would have to be read than one request may ask for; the text says what to change.
    #[error("{0}")]
    TooMuch(String),
    /// A cursor or a query that this store does not understand.
    #[error("{0}")]
    Refused(String),
}

/// Why a backup was not restored. Nothing of it is taken for a store.
#[derive(Debug, thiserror::Error)]
pub enum RestoreFault {
    #[error("the backup is of no use: {0}")]
    Backup(#[from] BackupFault),
    #[error("the backup has store format {0}, this program reads formats up to {1}; use the program that made it")]
    Layout(u32, u32),
    #[error(
        "there is something in {0} already (`{1}`); a backup is restored into a folder that is empty or not there: move it away first"
    )]
    NotEmpty(PathBuf, String),
    #[error("what was written does not read back as it is in the backup; look at the disk")]
    Differs,
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("the store cannot be written: {0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Refused(String),
}

impl From<EngineError> for StoreError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Damaged(text) => Self::Damaged(text),
            EngineError::Unwritable(text)
            | EngineError::Unsure(text)
            | EngineError::Locked(text)
            | EngineError::Busy(text) => Self::Unavailable(text),
        }
    }
}
