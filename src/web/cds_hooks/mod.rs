//! CDS Hooks 2.0 (https://cds-hooks.hl7.org/2.0/): the protocols' cards in a practice's own EHR, as the agreements allow.

mod call;
mod caller;
mod cross_origin;
mod discovery;
mod feedback;
mod find;
mod request;
mod routes;
mod table;
#[cfg(test)]
mod tests;

pub use routes::routes;
pub use table::OFFERS;
