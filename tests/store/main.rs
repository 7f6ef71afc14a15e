//! What every store promises, held against each of them: memory, fjall and sled, and PostgreSQL where it is installed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test says what it expects by failing, prints what it did, and is told by the environment what to do"
)]

#[macro_use]
mod place;

mod audit;
mod backups;
mod commits;
mod copies;
mod crash;
mod full;
mod gateways;
mod given;
mod guided;
mod history;
mod looks;
mod messages;
mod once;
mod operated;
mod outbox;
mod paging;
mod panels;
mod people;
mod postgres;
mod pruning;
mod records;
mod reopening;
mod searches;
mod sought;
mod space;
mod timers;
mod tls;
mod together;
mod unused;
mod worklist;
mod writers;
