//! Short hashes of names and values: what stands for them where keys are to be of one length.

use sha2::{Digest, Sha256};

/// 128 bits of a SHA-256: what is found by it is compared with what was asked for where a mistake would matter.
pub type Hash = [u8; 16];

pub fn hash(parts: &[&str]) -> Hash {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let mut short = [0; 16];
    for (to, from) in short.iter_mut().zip(hash.finalize()) {
        *to = from;
    }
    short
}
