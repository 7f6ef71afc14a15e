//! One patient's record: resources with their versions and how each element came to be, and the rules that merge what
//! messages say into it whatever order they came in. Pure: no I/O, no clock.

mod panel;
mod state;

pub use panel::Membership;
pub use state::{Change, Head, Record, Stamp, State, Stored, Transition};
