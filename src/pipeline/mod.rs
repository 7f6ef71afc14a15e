//! The path of every input, from its bytes to the durable commit and the acknowledgement. There is no second path.

mod arrival;
mod gateway;

pub use arrival::{Acknowledged, Arrival, Code};
pub use gateway::{Event, Gateway};
