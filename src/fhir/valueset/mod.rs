//! Our own value sets (`profiles/valuesets/*.yaml`): groups of codes that protocols, agreements and labels name. Codes are
//! listed or, in systems that are prefix trees, taken with all below them, in ranges and by the intent they say; words
//! tell what a set is about where no code does.

mod read;
mod rule;
mod set;
mod sets;
mod words;

#[cfg(test)]
mod counts;
#[cfg(test)]
mod tests;

pub use set::ValueSet;
pub use sets::{ValueSets, built_in_value_sets};
pub use words::words_of;
