//! Whose word a resource holds.

use crate::record::Stored;
use crate::site::CLIENT;

/// Whether a partner said anything of it.
pub fn said_by(stored: &Stored, partner: &str) -> bool {
    stored.state.stamps.values().any(|stamp| stamp.feed().strip_prefix(CLIENT) == Some(partner))
}
