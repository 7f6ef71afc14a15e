//! A resource with the places of its elements in its text, JSON or XML: from a FHIRPath location to line and column.

mod elements;
mod find;
mod scan;
mod xml;
#[cfg(test)]
mod xml_tests;

pub use find::{Located, Span, Unreadable};
