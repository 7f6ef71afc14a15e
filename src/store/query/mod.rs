//! What can be asked of the stored resources (http://hl7.org/fhir/R4/search.html), and how a resource answers it.

mod following;
mod index;
mod matching;
mod order;
mod terms;

pub use following::{Following, Judge, MOST_VERSIONS, PlaceKey, Window, found_of, may_be_missed, page_of};
pub use index::{Narrowed, can_be_indexed, index_terms, narrow, terms_by};
pub use matching::matches;
pub use order::{Gathering, MOST_SORTED, Sort, SortBy, is_newest_first, place_in};
pub use terms::{Cursor, Found, Match, Page, Past, Query, Term};
