//! Measures of a practice by month: what of it was done in time, counted exactly, each with what was left out and why. They read, and
//! write nothing.

mod counted;
mod definition;
mod gather;
mod month;
mod report;

pub use counted::{MeasureCount, Measures, MonthCounts};
pub use definition::{Definition, MEASURES};
pub use month::Month;
