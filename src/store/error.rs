//! Why the store could not do as asked.

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

impl From<EngineError> for StoreError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Damaged(text) => Self::Damaged(text),
            EngineError::Unwritable(text) | EngineError::Unsure(text) | EngineError::Locked(text) => {
                Self::Unavailable(text)
            }
        }
    }
}
