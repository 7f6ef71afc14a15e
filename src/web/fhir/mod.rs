//! The FHIR R4 REST interface (http://hl7.org/fhir/R4/http.html), one interaction per file; those that write in `write`.

#[cfg(test)]
mod base_tests;
mod body;
mod bundle;
mod called;
mod caller;
mod capability;
mod care_dates;
mod compartment;
mod count;
mod criteria;
mod date;
#[cfg(test)]
mod definition_tests;
mod everything;
mod filter;
#[cfg(test)]
mod filter_tests;
#[cfg(test)]
mod group_tests;
#[cfg(test)]
mod guide_tests;
mod history;
mod history_all;
#[cfg(test)]
mod history_tests;
mod includes;
mod join;
mod joins;
mod lists;
mod names;
mod native;
mod negotiate;
#[cfg(test)]
mod offered_tests;
mod openapi;
mod own_ids;
#[cfg(test)]
mod own_ids_tests;
mod query;
#[cfg(test)]
mod query_tests;
mod read;
mod reading;
#[cfg(test)]
mod reading_tests;
mod routes;
mod search;
mod subset;
mod subsumed;
mod table;
mod terms;
#[cfg(test)]
mod us_core_tests;
mod validate;
#[cfg(test)]
mod validate_tests;
mod values;
mod versions;
mod vread;
mod write;

pub use caller::Caller;
pub use openapi::described;
pub use routes::routes;
