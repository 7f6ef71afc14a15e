//! Reading the data files people write: a YAML tree that remembers where every value stands, and a reader
//! that collects every fault of a file in one run instead of stopping at the first.

mod mark;
mod node;
mod reader;
mod source;

pub use mark::Mark;
pub use node::{Kind, Node, UNREADABLE, parse};
pub use reader::{Fields, UNKNOWN_KEY, nearest};
pub use source::Source;
