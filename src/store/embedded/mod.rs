//! The embedded store: our keyspaces over an ordered key-value engine, one writer thread, many readers.

mod audit;
mod changes;
mod committer;
mod copying;
mod counters;
mod delivery;
mod draft;
mod indexes;
mod keys;
mod leases;
mod line;
mod lineage;
mod looks;
mod marker;
mod messages;
mod once;
mod opening;
mod outbox;
mod pack;
mod panels;
mod prune;
mod queue;
mod rebuild;
mod record;
mod restoring;
mod search;
mod shared;
mod store;
mod timers;
mod unused;
mod walk;
mod witness;
mod work;
mod worklist;

pub use restoring::{Order, Step, restore};
pub use store::Embedded;
