//! What a changed site would make of the messages there are: each is decided under both sites, by itself and on the record as it is,
//! and what differs is counted by kind. Nothing is written (docs/decisions/0033).

mod changed;
mod differ;
mod edited;
mod elements;
mod foretold;
mod job;
mod judge;
mod kept;
mod step;
mod tally;
#[cfg(test)]
mod tests;

pub use changed::ChangedSite;
pub use edited::{EditedMap, MapTrial};
pub use foretold::Foretold;
pub use job::Comparison;
pub(super) use kept::{Kept, Sites};
pub use step::{Compared, Comparing};
pub use tally::{Counted, Differences, Part};
