//! `handover validate`: checks resources in files against R4, the profiles they claim and those asked for, and shows
//! each fault with its line.

mod command;
mod findings;
mod input;
mod report;

pub use command::{Arguments, run};
