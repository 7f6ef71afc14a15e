//! The FHIR R4 REST interface (http://hl7.org/fhir/R4/http.html), read side and `$validate`: one interaction per file.

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

pub use routes::routes;
