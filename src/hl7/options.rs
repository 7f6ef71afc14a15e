//! What a reader is told.

use super::charset::Charset;

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
