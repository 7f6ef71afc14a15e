//! The embedded store: our keyspaces over an ordered key-value engine, one writer thread, many readers.

mod audit;
mod changes;
mod committer;
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
mod outbox;
mod pack;
mod panels;
mod prune;
mod queue;
mod rebuild;
mod record;
mod search;
mod shared;
mod store;
mod timers;
mod unused;
mod walk;
mod work;
mod worklist;

pub use store::Embedded;
