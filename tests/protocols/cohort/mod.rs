//! A cohort that measures at home, with truly sick days in it, and the practice that watches over it. `cargo bench --bench
//! cohort` plays two hundred people; the test plays as many as an unoptimised build can.

mod clinic;
mod outcome;
mod people;
mod practice;
mod random;

pub use outcome::played;
pub use people::Plan;
