//! One patient: who they are, how to reach them, what is owed and why, readings, plan, and the record behind it.

mod name;
mod records;

pub(super) use name::{display_name, name, sex_word};
pub(super) use records::show as records;
