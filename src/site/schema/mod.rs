//! A JSON Schema (2020-12, https://json-schema.org/draft/2020-12) for each kind of file of a site, for editors. They are made from what
//! the readers of the files ask for (`made.rs`), and lie here as they were made last; a test holds that they say the same.

mod kinds;
#[cfg(test)]
mod made;
#[cfg(test)]
mod tests;

pub use kinds::{FileKind, KINDS, schema};
