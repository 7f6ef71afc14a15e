//! Protocol and calendar files as checked types; every fault of a file in one run.

mod alert;
mod calendar;
mod evidence;
mod file;
mod prompt;
mod relative;
mod series;
mod task;
mod trigger;
mod words;

pub use calendar::read_calendar;
pub use file::read_protocol;
