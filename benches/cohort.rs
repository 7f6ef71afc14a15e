//! Two hundred people who measure at home for ninety days, thirty of them truly sick for some days: how often the shipped alerts
//! ring, what they miss, and how much of it is for nothing, beside plain thresholds on the same readings. Ends with 1 where more is
//! rung for, missed or for nothing than a practice can bear. `cargo bench --bench cohort`; `SEEDS`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints what it found, and is told by the environment how often to look"
)]

#[path = "../tests/protocols/cohort/mod.rs"]
mod cohort;

use std::process::ExitCode;

use cohort::{Plan, played};

/// For two hundred people.
const MOST_ALERTS_A_DAY: f64 = 10.0;
/// The share of escalations outside of any sick episode.
const MOST_OUTSIDE: f64 = 0.25;

fn main() -> ExitCode {
    let seeds: u64 = std::env::var("SEEDS").map_or(3, |seeds| seeds.parse().expect("SEEDS is a number"));
    let plan = Plan { people: 200, hypotensions: 8, exacerbations: 12, hypertensions: 10 };
    let mut holds = true;
    for seed in 1..=seeds {
        println!("seed {seed}");
        let ours = played(&plan, seed);
        ours.missed.iter().for_each(|missed| println!("    missed: {missed}"));
        holds &= ours.missed.is_empty() && ours.alerts_a_day <= MOST_ALERTS_A_DAY && ours.outside <= MOST_OUTSIDE;
    }
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
