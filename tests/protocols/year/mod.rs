//! A year of a practice: people who are admitted, come to the emergency department, measure at home and are referred, beside an
//! oracle in plain Rust that reads nothing but their lives. `cargo bench --bench year` plays ten thousand; the test plays as many as an
//! unoptimised build can. It is played by the rules in memory, and by a whole gateway with its store, which is killed meanwhile.

mod calendar;
mod diary;
mod entered;
mod gateway;
mod house;
mod killed;
mod life;
mod oracle;
mod outcome;
#[path = "../cohort/practice.rs"]
mod practice;
#[path = "../cohort/random.rs"]
#[allow(dead_code, reason = "the cohort asks for more of it")]
mod random;
mod write;

pub use house::Year;
pub use killed::{lived, lives_here, looked_at, tried, write_site};
pub use life::Order;
pub use outcome::{Told, played};
