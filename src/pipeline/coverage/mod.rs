//! What the stored messages of a feed touch: which lines of its maps gave something, and which fields were sent and never used. Reads,
//! and writes nothing; holds no patient data.

mod job;
mod step;
mod tally;

pub use job::CoverageRun;
pub use step::{CoverageAsked, CoveragePart};
pub use tally::{Coverage, FieldSeen, LineSeen};
