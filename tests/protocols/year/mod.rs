//! A year of a practice: people who are admitted, come to the emergency department, measure at home and are referred, beside an
//! oracle in plain Rust that reads nothing but their lives. `cargo bench --bench year` plays ten thousand; the test plays as many as an
//! unoptimised build can.

mod calendar;
mod gateway;
mod life;
mod oracle;
mod outcome;
#[path = "../cohort/practice.rs"]
mod practice;
#[path = "../cohort/random.rs"]
#[allow(dead_code, reason = "the cohort asks for more of it")]
mod random;
mod write;

pub use life::Order;
pub use outcome::played;
