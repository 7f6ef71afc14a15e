//! What can be asked of the stored resources (http://hl7.org/fhir/R4/search.html), and how a resource answers it.

mod following;
mod matching;
mod order;
mod terms;
mod text;

pub use following::{Following, Judge, MOST_VERSIONS, PlaceKey, Window, found_of, may_be_missed, page_of};
pub use matching::matches;
pub use order::{Gathering, MOST_SORTED, Sort, SortBy, is_newest_first, place_in};
pub use terms::{Cursor, DateValue, Found, Match, Page, Query, Relation, Term, TokenValue};
pub use text::fold;
