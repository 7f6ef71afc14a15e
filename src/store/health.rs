//! How the store is: for `/health`, `/metrics` and people.

use jiff::Timestamp;

/// What `/health`, `/metrics` and the console's overview show of the store.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Health {
    /// None when all is well.
    pub fault: Option<String>,
    pub engine: &'static str,
    pub messages: u64,
    pub records: u64,
    pub deliveries_waiting: u64,
    pub deliveries_held: u64,
    pub deliveries_dead: u64,
    /// When the oldest was made of the deliveries that are to be tried next, each the first of its patient and partner.
    pub oldest_delivery: Option<Timestamp>,
    pub disk_bytes: u64,
}
