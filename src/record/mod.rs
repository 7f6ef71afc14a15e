//! One patient's record: resources with their versions and how each element came to be, and the rules that merge what
//! messages say into it whatever order they came in. Pure: no I/O, no clock.

mod assemble;
mod encounter;
mod family;
mod fragment;
mod merge;
mod panel;
mod part;
mod past;
mod patients;
mod pressure;
mod rank;
mod repeats;
mod resources;
mod results;
mod squash;
mod stamp;
mod state;
mod statement;
mod stored;
#[cfg(test)]
mod stories;
mod visits;
mod weight;
mod who;
mod whole;
mod working;

pub use family::retract;
pub use merge::{Merged, merge, touched};
pub use panel::Membership;
pub use past::{as_of, turns_of};
pub use patients::merge_patients;
pub use pressure::{Pressures, Unpaired, is_half_pressure, pressures};
pub use rank::{LOOK, is_step_back};
pub use repeats::only_repeats;
pub use resources::Resources;
pub use squash::squash;
pub use stamp::Stamp;
pub use state::{Change, Head, State, Stored, Told, Transition};
pub use statement::Statement;
pub use weight::weight;
pub use who::Who;
pub use whole::Record;
pub use working::restated;
