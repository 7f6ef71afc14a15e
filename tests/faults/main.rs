//! The gateway killed, starved and cut off: what it acknowledged is there, once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test says what it expects by failing, prints what it did, and is told by the environment what to do"
)]

#[path = "../service/harness.rs"]
#[allow(dead_code, reason = "shared with the service tests, which use all of it")]
mod harness;

#[path = "../store/postgres.rs"]
#[allow(dead_code, reason = "shared with the store tests, which use all of it")]
mod postgres;

mod backup;
mod database;
mod demo;
mod full_disk;
mod kill;
mod kill_writes;
mod power;
mod process;
