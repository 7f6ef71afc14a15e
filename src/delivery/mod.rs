//! Deliveries on their way out: claimed from the outbox, sent once per attempt, and what follows from the answer.

mod address;
mod answer;
mod attempt;
mod by_search;
mod client;
mod coalesce;
mod follow;
mod held;
mod keys;
mod lane;
mod message;
mod others;
mod outside;
mod own_keys;
#[cfg(test)]
mod pause_tests;
mod permission;
#[cfg(test)]
mod permission_tests;
#[cfg(test)]
mod plain_ehr;
mod poll;
mod polled;
mod precondition;
mod retry;
mod route;
mod send;
#[cfg(test)]
mod send_faults;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod stand_in;
mod statement;
#[cfg(test)]
mod statement_tests;
mod together;
#[cfg(test)]
mod together_tests;
mod token;
mod transaction;
mod worker;
#[cfg(test)]
mod worker_tests;

pub use answer::{describe_failure, read_bounded, read_within};
pub use client::{Line, Lines};
pub use keys::{KeyError, SigningKey};
pub use own_keys::{OwnKeys, RotateError, Told};
pub use poll::poll;
pub use retry::{Reply, Situation, decide};
pub use statement::read_statements;
pub use token::{ASSERTION_TYPE, assertion, oauth_code};
pub use worker::Worker;

#[cfg(test)]
pub use keys::own_key_for_tests as key_for_tests;
#[cfg(test)]
pub use own_keys::own_keys_for_tests;
#[cfg(test)]
pub use stand_in::{Inside, StandIn, partner_for_tests};
