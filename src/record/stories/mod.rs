//! Stories in any order: whatever permutation and duplication of the same messages arrives, the record ends the same.

mod examples;
mod fields;
mod numbers;
mod persons;
mod places;
mod properties;
mod world;
