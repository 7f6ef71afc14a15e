//! Hashes of what an answer is made from: while they are the same, so is the answer.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::record::Stored;

/// A hash of all that an answer was made from.
pub type Inputs = u64;

/// A hash of several things.
pub fn inputs_of(parts: &[&dyn Fn(&mut DefaultHasher)]) -> Inputs {
    let mut hasher = DefaultHasher::new();
    parts.iter().for_each(|part| part(&mut hasher));
    hasher.finish()
}

/// Which version of a resource it is.
pub fn version_of(stored: &Stored, hasher: &mut DefaultHasher) {
    (stored.id, stored.version).hash(hasher);
}
