//! The compiler of mapping files: every name, type, cardinality and code is checked against the R4 definitions before any
//! message is read, and every fault of every file is reported in one run.

mod element;
mod example;
mod expression;
mod fixed;
mod key;
mod length;
mod map;
mod message;
mod names;
mod notice;
mod quantity;
mod reading;
mod recursion;
mod set;
mod table;

pub use set::compile;
pub use table::{system_of, v2_table};

#[cfg(test)]
mod tests;
