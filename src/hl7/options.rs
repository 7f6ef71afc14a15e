//! What a reader is told, and what it gives back.

use crate::problem::Problem;

use super::charset::Charset;
use super::message::Message;

/// Bounds and assumptions for reading one message.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// A message longer than this is not read.
    pub max_bytes: usize,
    /// A message of more segments than this is not read.
    pub max_segments: usize,
    /// A message with a segment of more fields than this is not read.
    pub max_fields: usize,
    /// What the sender writes in where MSH-18 is silent. Without it: UTF-8 where the bytes are, else Windows-1252.
    pub charset: Option<Charset>,
    /// Whether `charset` holds whatever MSH-18 and the bytes say.
    pub is_charset_fixed: bool,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            max_bytes: 16 * 1024 * 1024,
            max_segments: 10_000,
            max_fields: 1_000,
            charset: None,
            is_charset_fixed: false,
        }
    }
}

/// The outcome of reading: as much of a message as can be shown, and everything that was odd or wrong.
///
/// A message may be present although a problem is an error (no control id): it can be shown and repaired, and must
/// not be processed. Ask [`Reading::is_usable`].
#[derive(Debug, Clone)]
pub struct Reading {
    pub message: Option<Message>,
    pub problems: Vec<Problem>,
}

impl Reading {
    /// Whether the message may be processed: it is there, and nothing found is an error.
    pub fn is_usable(&self) -> bool {
        self.message.is_some() && !self.problems.iter().any(Problem::is_error)
    }
}
