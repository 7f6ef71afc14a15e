//! Deliveries on their way out: claimed from the outbox, sent once per attempt, and what follows from the answer.

mod address;
mod answer;
mod client;
mod keys;
mod lane;
mod permission;
mod retry;
mod send;
#[cfg(test)]
mod send_faults;
#[cfg(test)]
mod stand_in;
mod token;
mod worker;

pub use answer::read_bounded;
pub use client::{Line, Lines};
pub use keys::{KeyError, SigningKey, own_key};
pub use retry::{Reply, Situation, decide};
pub use worker::Worker;
