//! What messages come to: each message and story in `fixtures/messages` against the result beside it, stories in every
//! order, and the corpus of other people's messages. `HANDOVER_GOLDEN=write cargo test --test golden` rewrites the results;
//! read the difference before committing it. `HANDOVER_ORDERS=400` plays more orders. `peers.py`, where `./test` has
//! installed it, asks fhir.resources about every result.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test says what it expects by failing, prints what it did, and is told by the environment what to do"
)]

mod cases;
mod corpus;
mod habits;
mod habits_care;
mod habits_hl7;
mod house;
mod intake;
mod labels;
mod measures;
mod on_change;
mod orders;
mod owners;
mod page;
mod pressures;
mod second_opinion;
mod stories;
mod story;
mod two_numbers;
mod typical;
