//! The whole gateway, as the world meets it: real sockets, real clients, everything on free ports.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test says what it expects by failing, prints what it did, and is told by the environment what to do"
)]

mod accounts;
mod attacks;
mod cards;
mod codes;
mod codes_added;
mod commands;
mod compare;
mod console;
mod control;
mod coverage;
mod delivery;
mod described;
mod devices;
mod forwarding;
mod handling;
mod harness;
mod huddle;
mod intake;
mod looks;
mod manners;
mod mentions;
mod messages;
mod messages_refused;
mod messages_subjects;
mod my_work;
mod operator;
mod partner;
mod peers;
mod peers_hospital;
mod polling;
mod practice_change;
mod profiles;
mod protocol_try;
mod published;
mod reading;
mod rerun;
mod roster;
mod site_changes;
mod sought;
mod tokens;
mod traces;
mod tutorial;
mod undone;
mod unused;
mod upkeep;
mod validating;
mod writing;
mod writing_binaries;
mod writing_bundles;
mod writing_merges;
mod writing_own_ids;
mod writing_tasks;
