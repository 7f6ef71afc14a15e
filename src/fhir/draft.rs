//! A resource on its way into the record: what a sender stated, before it is known whose it is and what its id will be.

use serde::{Deserialize, Serialize};

use super::Resource;

/// Where a resource lives: with one patient, or shared by all (practitioners, organisations, locations).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    Patient,
    Shared,
}

/// One resource as one input states it.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Its name inside this input ("Patient", "Observation.3"). References to it are written `#Observation.3`.
    pub local: String,
    pub scope: Scope,
    /// The business key that makes this thing the same thing next time (a visit number, an order number with an
    /// observation code). Unique per resource type within the patient, or everywhere for shared resources. Without one,
    /// the content is the key. Patient drafts have none: identity finds them by identifier.
    pub key: Option<String>,
    pub resource: Resource,
    /// Top-level elements the sender asked to delete (`""` in HL7 v2). What is neither here nor in the resource, the
    /// sender said nothing about.
    pub deleted: Vec<String>,
}
