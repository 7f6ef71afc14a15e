//! One patient's record: resources with their versions and how each element came to be, and the rules that merge what
//! messages say into it whatever order they came in. Pure: no I/O, no clock.

mod encounter;
mod family;
mod fragment;
mod merge;
mod panel;
mod part;
mod patients;
mod rank;
mod squash;
mod state;
#[cfg(test)]
mod stories;
mod working;

pub use merge::{Merged, Statement, merge, touched};
pub use panel::Membership;
pub use patients::merge_patients;
pub use squash::squash;
pub use state::{Change, Head, Record, Stamp, State, Stored, Transition};
