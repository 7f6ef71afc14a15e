//! Reading the data files people write: a YAML tree that remembers where every value stands, and a reader
//! that collects every fault of a file in one run instead of stopping at the first.

mod node;
mod reader;
mod source;

pub use node::{Kind, Node, UNREADABLE};
pub use reader::{Fields, UNKNOWN_KEY, nearest};
pub use source::{Mark, Source, parse};
