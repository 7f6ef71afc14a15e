//! Boards: what is going on over many patients of a practice. They read, and write nothing.

mod caseload;
mod patients;
mod referrals;

pub use caseload::{Cared, Caseload};
pub use referrals::{ReferralBoard, Referred};
