//! Places in data files.

use std::sync::Arc;

/// A place in a data file. Lines and columns count characters from 1; `length` is in characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    pub file: Arc<str>,
    pub line: u32,
    pub column: u32,
    pub length: u32,
}

impl Mark {
    /// The start of a file, for faults of the file as a whole.
    pub fn start(file: &Arc<str>) -> Self {
        Self { file: Arc::clone(file), line: 1, column: 1, length: 1 }
    }
}
