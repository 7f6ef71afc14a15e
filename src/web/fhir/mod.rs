//! The FHIR R4 REST interface (http://hl7.org/fhir/R4/http.html), one interaction per file; those that write in `write`.

mod body;
mod bundle;
mod capability;
mod count;
mod date;
mod history;
mod negotiate;
mod parameters;
mod query;
#[cfg(test)]
mod query_tests;
mod read;
#[cfg(test)]
mod reading_tests;
mod routes;
mod search;
mod validate;
#[cfg(test)]
mod validate_tests;
mod values;
mod vread;
mod write;

pub use routes::routes;
