//! A data file as it was read.

use std::sync::Arc;

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
