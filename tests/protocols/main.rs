//! The shipped protocols: what they make is valid, and their examples notice when a number, window, code or bound changes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test says what it expects by failing, prints what it did, and is told by the environment what to do"
)]
#![allow(clippy::duplicate_mod, reason = "the cohort and the year are benches, too, each with its chance beside it")]

mod a_year;
mod cohort;
mod cohort_of_a_dozen;
mod language;
mod mutants;
mod valid;
mod year;
