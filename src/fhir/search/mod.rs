//! Search by definition (http://hl7.org/fhir/R4/search.html): search parameters compiled from their definitions, the values they
//! find in a resource, and whether these answer what is asked. Pure; the stores index by it and the web reads requests with it.

mod answers;
mod asked;
mod criterion;
mod filter;
mod held;
mod number;
mod parameter;
mod table;
mod text;
mod words;

pub use asked::{Asked, DateValue, How, Relation, TokenValue, UriRelation};
pub use criterion::{Criterion, Test};
pub use filter::{Comparison, Filter};
pub use held::Held;
pub use number::{Comparison as NumberComparison, NumberValue};
pub use parameter::{Codes, Component, Parameter, SearchKind};
pub use table::{SERVED, SearchTable, find_parameter, served};
pub use text::{fold, word_starts};
pub use words::Words;
