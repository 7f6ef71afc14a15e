//! The terminology service (http://hl7.org/fhir/R4/terminology-service.html): value sets, code systems and concept maps that are
//! held, and what can be asked of them. Reads no record, so any valid access token will do.

mod asked;
mod closure;
mod concept_map;
mod definition;
mod expand;
mod found;
mod input;
mod lookup;
mod maps;
mod open;
mod output;
mod search;
mod statement;
mod subsumes;
mod translate;
mod validate_code;
mod verdict;

pub use open::{addresses, routes};
pub use statement::{stated_resources, terminology};
