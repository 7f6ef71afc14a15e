//! What a feed hands to the path, and what it gets back.

use serde::{Deserialize, Serialize};

use crate::problem::Problem;
use crate::store::MessageEntry;

/// One HL7 v2 message (or what should be one) as a feed received it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arrival {
    /// The feed's name.
    pub feed: String,
    /// Who sent it: an address or a certificate's name.
    pub peer: String,
    /// The bytes as they came, framing removed.
    pub raw: Vec<u8>,
    /// The frame was larger than the feed allows and `raw` is its beginning.
    pub oversized: bool,
    /// The frame was broken off: `raw` is the beginning of a message, to be kept and answered AR, never processed.
    pub cut_short: bool,
    /// It came without MLLP's framing: where it ends is a guess, so it is kept and answered AR, never processed.
    pub unframed: bool,
    /// The message this one replays.
    pub replays: Option<u64>,
    /// What is said with it of what it came in: a batch whose trailer counts more messages than came.
    pub noted: Vec<Problem>,
}

impl Arrival {
    /// A stored message as it is taken once more, for somebody.
    pub(super) fn again(entry: &MessageEntry, who: &str) -> Self {
        Self {
            feed: entry.summary.feed.clone(),
            peer: who.to_string(),
            raw: entry.raw.clone(),
            // The beginning of a message may read like a whole one; it is refused again.
            cut_short: entry.summary.incomplete,
            replays: Some(entry.summary.sequence),
            ..Self::default()
        }
    }
}

/// MSA-1 (HL7 table 0008).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Code {
    AA,
    AE,
    AR,
}

impl Code {
    pub fn text(self) -> &'static str {
        match self {
            Self::AA => "AA",
            Self::AE => "AE",
            Self::AR => "AR",
        }
    }
}

/// The answer to an arrival. When it says AA, the message is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    pub code: Code,
    /// The ACK message, without framing; two of them, each beginning with MSH, where the sender asked for both.
    pub bytes: Vec<u8>,
    /// The stored message; none when it could not be stored.
    pub sequence: Option<u64>,
    /// It had come before and was not processed again.
    pub duplicate: bool,
    /// The store could not take it: a feed over HTTP answers 503.
    pub unavailable: bool,
}
