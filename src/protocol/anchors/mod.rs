//! What in a record triggers a rule: visits, moves within them, counts of them, diagnoses, consents, answers, readings
//! that stay away, the stages of referrals, and days of the year.

mod conditions;
mod consents;
mod dates;
mod enrolment;
mod find;
mod medicines;
mod moves;
mod referrals;
mod silence;
mod visits;

pub use find::anchors;
