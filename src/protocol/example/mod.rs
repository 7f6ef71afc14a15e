//! Examples in protocol files: a story is played on a small record, timers included, and what came of it is compared with
//! what the file expects. They are the documentation and the test at once.

mod concept;
mod encounter;
mod expect;
pub(super) mod moment;
mod referral;
mod run;
pub(super) mod scene;
pub(super) mod step;
mod written;

pub use run::{ExampleResult, rules_of};
