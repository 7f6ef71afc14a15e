//! Boards: what is going on over many patients of a practice. They read, and write nothing.

mod referrals;

pub use referrals::{ReferralBoard, Referred};
