//! What a protocol would have made of the records there are, had it been in force: time goes over a window again, record by record.
//! Nothing is written, and what people did meanwhile is left aside.

mod left;
mod misses;
mod past;
mod replay;
mod tally;
mod window;

pub use tally::{Made, Miss, Person, Step, Tally};
pub use window::Window;
