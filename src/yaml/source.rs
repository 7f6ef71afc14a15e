//! A data file as it was read, and places in it.

use std::sync::Arc;

use super::Node;
use crate::problem::{Category, Place, Problem};

/// One text file of a site or of the built-in set, under the name people know it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Path relative to the site, or `built-in:mappings/segments/PID-Patient.yaml`.
    pub name: Arc<str>,
    pub text: Arc<str>,
}

impl Source {
    pub fn new(name: impl AsRef<str>, text: impl AsRef<str>) -> Self {
        Self { name: Arc::from(name.as_ref()), text: Arc::from(text.as_ref()) }
    }
}

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

    /// A fault at this place; the text says what to change.
    pub fn problem(&self, category: Category, text: impl Into<String>) -> Problem {
        Problem::error(category, Place::File(self.clone()), text)
    }
}

/// Reads one file into a tree. A file that is not YAML yields one problem at the fault and no tree.
pub fn parse(source: &Source) -> Result<Node, Problem> {
    super::node::read(source)
}
