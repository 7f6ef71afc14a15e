//! What partners and machines reach over HTTP: FHIR reads, SMART Backend Services, CDS Hooks, health and metrics.
//! Never shows a resource that has not passed through `access`.

mod access;
mod answer;
mod cds_hooks;
mod client;
mod conditions;
mod fhir;
mod found_by;
#[cfg(test)]
mod full_disk_tests;
mod guard;
mod health;
#[cfg(test)]
mod health_tests;
mod idle;
mod kept;
#[cfg(test)]
mod leak_tests;
mod limits;
mod methods;
mod offer;
mod openapi;
mod origins;
mod pace;
mod routes;
mod scope;
mod sealed;
mod service;
mod smart;
mod standing;
mod table;
mod terms;
#[cfg(test)]
mod trial;
mod turns;
mod unread;
mod whole;

pub use guard::guard;
pub use idle::close_when_idle;
pub use routes::configure;
pub use sealed::Seal;
pub use service::Service;
pub use turns::{Turn, Turns};
