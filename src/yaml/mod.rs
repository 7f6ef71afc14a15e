//! Reading the data files people write: a YAML tree that remembers where every value stands, and a reader
//! that collects every fault of a file in one run instead of stopping at the first.

mod mark;
mod node;
mod reader;
#[cfg(test)]
mod seen;
mod source;

pub use mark::Mark;
pub use node::{Kind, Node, UNREADABLE, parse};
pub use reader::{As, Fields, Known, UNKNOWN_KEY, nearest};
#[cfg(test)]
pub use seen::{Mapping, Seen, record};
pub use source::Source;
