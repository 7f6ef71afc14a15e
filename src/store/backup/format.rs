//! How a backup is laid out: a line of text that says what it is, then parts. Each part has a head (what it is, its length as it
//! stands, its length when decompressed, and a SHA-256 of all that and of the SHA-256 of the part before) and its bytes. So a part
//! that is changed, missing, doubled or in another place is found, and a backup without its last part is none.

use aws_lc_rs::digest::{Context, SHA256};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Raised when a program of before could not read it.
pub const FORMAT: u32 = 1;
/// What the first line begins with; the number and a line's end follow.
pub const NAME: &str = "handover backup, format ";

/// What a part is.
pub const ABOUT: u8 = b'A';
pub const PAIRS: u8 = b'P';
pub const END: u8 = b'E';
/// Making it was given up; the part says why.
pub const GIVEN_UP: u8 = b'G';

pub const HEAD_BYTES: usize = 1 + 4 + 4 + 32;
/// A part is closed when it holds this much, so only one with a single large value is longer.
pub const PART_BYTES: usize = 1024 * 1024;
/// No part of ours is longer: the largest value that a store takes, and some.
pub const LONGEST_PART: u32 = 300 * 1024 * 1024;

pub type Sum = [u8; 32];

/// What a backup is of. Said first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    pub made: Timestamp,
    /// The version of the program that made it.
    pub program: String,
    pub engine: String,
    /// The layout of the store's keys and values.
    pub layout: u32,
}

/// What it came to. Said last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    pub pairs: u64,
    /// Of keys and values, before they were compressed.
    pub bytes: u64,
    /// SHA-256 of all pairs in order, in hexadecimal.
    pub content: String,
    /// The number that the store had reached.
    pub sequence: u64,
    pub messages: u64,
    pub records: u64,
    pub deliveries_waiting: u64,
}

pub fn first_line(format: u32) -> String {
    format!("{NAME}{format}\n")
}

pub fn sum(parts: &[&[u8]]) -> Sum {
    let mut context = Context::new(&SHA256);
    parts.iter().for_each(|part| context.update(part));
    whole(&context)
}

/// The sum of a part, which counts for all before it too.
pub fn chained(before: &Sum, head: &[u8], bytes: &[u8]) -> Sum {
    sum(&[before, head, bytes])
}

fn whole(context: &Context) -> Sum {
    let mut sum = [0; 32];
    sum.iter_mut().zip(context.clone().finish().as_ref()).for_each(|(to, from)| *to = *from);
    sum
}

pub fn in_hex(sum: &Sum) -> String {
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Counts and sums up pairs as they go by.
pub struct Content {
    context: Context,
    pub pairs: u64,
    pub bytes: u64,
}

impl Default for Content {
    fn default() -> Self {
        Self { context: Context::new(&SHA256), pairs: 0, bytes: 0 }
    }
}

impl Content {
    pub fn add(&mut self, key: &[u8], value: &[u8]) {
        self.context.update(&length(key).to_be_bytes());
        self.context.update(key);
        self.context.update(&length(value).to_be_bytes());
        self.context.update(value);
        self.pairs += 1;
        self.bytes += (key.len() + value.len()) as u64;
    }

    pub fn in_hex(&self) -> String {
        in_hex(&whole(&self.context))
    }
}

/// Keys and values of ours are far below the most that can be said.
pub fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}
