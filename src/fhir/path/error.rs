//! What is wrong with an expression, or with evaluating it, and where in its text. Never holds a value of a resource.

use thiserror::Error;

/// A fault of an expression. `position` counts characters of its text from 0.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text} (at character {})", .position + 1)]
pub struct PathError {
    pub position: u32,
    pub text: String,
}

impl PathError {
    pub(super) fn at(position: u32, text: impl Into<String>) -> Self {
        Self { position, text: text.into() }
    }
}
