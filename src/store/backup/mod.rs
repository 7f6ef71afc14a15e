//! The format of a backup: what an embedded store holds, key by key, in blocks of which each is checked together with all before it.

mod fault;
mod format;
mod reading;
mod writing;

pub use fault::BackupFault;
pub use format::{About, Content, End};
pub use reading::{Checked, Part, Reader, about, check, pairs};
pub use writing::Writer;
