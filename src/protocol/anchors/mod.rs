//! What in a record triggers a rule: visits, counts of them, answers, readings that stay away, and the stages of referrals.

mod enrolment;
mod find;
mod referrals;
mod silence;
mod visits;

pub use find::anchors;
