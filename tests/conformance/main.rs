//! Handover against suites that others made. Each runs where its files are, and says so where it does not.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests say what they expect by failing, and print their score"
)]

mod any_json;
mod fhirpath;
mod mapping;
mod nearness;
mod own_mutants;
mod rules;
mod snapshots;
mod us_core;
mod validator;
