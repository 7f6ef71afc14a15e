//! A package as texts, before it is read.

use std::borrow::Cow;
use std::sync::Arc;

/// A package as it lies in its folder.
#[derive(Debug, Clone, Default)]
pub struct PackageSource {
    pub files: Vec<PackageFile>,
}

/// One file of a package.
#[derive(Debug, Clone)]
pub struct PackageFile {
    /// What to call it in problems: its path.
    pub name: Arc<str>,
    pub text: Cow<'static, str>,
}
