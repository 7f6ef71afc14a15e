//! Code systems that a site added from what their publishers give out (docs/site.md): on disk in `terminology/NAME/`, sorted,
//! read where they are asked about, never held in memory.

mod added;
mod folder;
mod record;
mod sorted;
mod stated;

pub use added::{Added, CHILDREN, CONCEPTS};
pub use folder::{TERMINOLOGY, added_to, read_added};
pub use record::Record;
pub use sorted::{SortedFile, SortedWriter};
pub use stated::{Part, STATED, Stated};
