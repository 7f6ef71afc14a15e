//! Ordered key-value engines under the embedded store: one small trait, one adapter each.

mod fjall;
mod memory;
mod ordered;
mod sled;
mod sled_copy;

pub use fjall::Fjall;
pub use memory::Memory;
pub use ordered::{Changes, Engine, EngineError, Pair, Span, View};
pub use sled::Sled;
