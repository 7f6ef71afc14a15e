//! A resource with the places of its elements in its JSON text: from a FHIRPath location to line and column.

mod find;
mod scan;

pub use find::{Located, Span, Unreadable};
