//! What can be asked of the stored resources (http://hl7.org/fhir/R4/search.html), and how a resource answers it.

mod interval;
mod matching;
mod terms;

pub use interval::observed_at;
pub use matching::matches;
pub use terms::{Cursor, Page, Query, Term, TokenValue};
