//! Messages run again, many at once: chosen by the words by which they are found, what would change told before anything is, and
//! what changed told afterwards. Taking a message twice changes nothing, so that a run can be stopped and gone on with.

mod again;
mod changed;
mod job;
mod preview;
mod select;

pub use changed::Changed;
pub use job::{Rerun, RerunState};
pub(super) use preview::told;
pub use select::Selected;
