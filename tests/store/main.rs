//! What every store promises, held against each of them: memory, fjall and sled, and PostgreSQL where it is installed.

#[macro_use]
mod place;

mod audit;
mod commits;
mod crash;
mod full;
mod gateways;
mod given;
mod messages;
mod once;
mod outbox;
mod panels;
mod postgres;
mod records;
mod reopening;
mod searches;
mod timers;
mod writers;
