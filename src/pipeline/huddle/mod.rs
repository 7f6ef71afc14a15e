//! The huddle: what a practice speaks about for ten minutes before its day begins. Reads, and writes nothing.

mod gather;
mod piece;
mod sheet;
mod visit;
mod who;

pub use piece::Piece;
pub use sheet::Huddle;
pub use visit::{Need, Visit};
pub use who::Who;
