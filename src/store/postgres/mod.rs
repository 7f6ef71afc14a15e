//! The store in PostgreSQL, for more than one gateway: tables of its own, rows locked and leased, any gateway may die at any
//! time. Writes no consensus of its own; what it promises, the database keeps.

mod address;
mod audit;
mod changed;
mod commit;
mod connection;
mod copies;
mod fault;
mod guided;
mod history;
mod line;
mod listen;
mod looks;
mod messages;
mod migrations;
mod once;
mod outbox;
mod panels;
mod people;
mod prune;
mod record;
mod rows;
mod search;
mod sequence;
mod sought;
mod store;
mod tls;
mod unused;
mod values;
mod worklist;

pub use store::Postgres;
