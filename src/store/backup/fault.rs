//! Why a backup cannot be used.

use std::io;

#[derive(Debug, thiserror::Error)]
pub enum BackupFault {
    #[error("this is no backup of handover")]
    NotOurs,
    #[error("it has backup format {0}, this program reads formats up to {newest}; use the program that made it", newest = super::format::FORMAT)]
    Format(u32),
    #[error("it ends after {0} bytes without its end: it was cut off, or making it was; use another")]
    Cut(u64),
    #[error("{what} at byte {at}: it is not what was written; use another")]
    Damaged { what: &'static str, at: u64 },
    /// Told by whoever made it, in its last part.
    #[error("making it was given up: {0}")]
    GivenUp(String),
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
}
