//! Measures of a practice by month: what of it was done in time, counted exactly, each with what was left out and why. They read, and
//! write nothing.

mod counted;
mod definition;
mod gather;
mod measure_count;
mod month;
mod person;
mod report;

pub use counted::{Measures, MonthCounts};
pub use definition::{Definition, MEASURES};
pub use measure_count::MeasureCount;
pub use month::Month;
pub use person::{PersonCounts, called};
