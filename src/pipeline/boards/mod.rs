//! Boards: what is going on over many patients of a practice. They read, and write nothing.

mod board;
mod caseload;
mod referrals;

pub use board::Board;
pub use caseload::Cared;
pub use referrals::Referred;
