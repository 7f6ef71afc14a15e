//! Handover: an interoperability gateway for care coordination. ARCHITECTURE.md tells the way through it.

pub mod agreement;
pub mod app;
pub mod cli;
pub mod clock;
pub mod console;
pub mod delivery;
pub mod demo;
pub mod feed;
pub mod fhir;
pub mod hl7;
pub mod identity;
pub mod mapping;
pub mod pipeline;
pub mod problem;
pub mod profile;
pub mod protocol;
pub mod record;
pub mod rows;
pub mod site;
pub mod store;
pub mod telemetry;
pub mod trust;
pub mod unused;
pub mod web;
pub mod yaml;
