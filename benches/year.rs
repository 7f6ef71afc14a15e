//! Ten thousand people's year with all shipped protocols, beside an oracle that knows nothing of the engine: what is missed, what comes
//! twice, what a practice gets in a month, and how long it took. Ends with 1 where anything is missed or comes twice. `cargo bench
//! --bench year`; `PEOPLE`, `SEED`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints what it found, and is told by the environment how much to do"
)]

#[path = "../tests/protocols/year/mod.rs"]
mod year;

use std::process::ExitCode;
use std::time::Instant;

use handover::protocol::ProtocolSet;
use year::{Order, played};

fn main() -> ExitCode {
    let number = |name: &str, usual: usize| {
        std::env::var(name).map_or(usual, |text| text.parse().expect("PEOPLE and SEED are numbers"))
    };
    let (people, seed) = (number("PEOPLE", 10_000), number("SEED", 1) as u64);
    let mut holds = true;
    for order in [Order::AsItHappened, Order::Shuffled] {
        let begun = Instant::now();
        let parts = std::thread::available_parallelism().map_or(1, usize::from);
        let size = people.div_ceil(parts);
        let told = std::thread::scope(|scope| {
            let part = |part: usize| {
                let people = part * size..((part + 1) * size).min(people);
                scope.spawn(move || played(&ProtocolSet::built_in(), people, seed, order))
            };
            let running: Vec<_> = (0..parts).map(part).collect();
            let ended = running.into_iter().map(|one| one.join().unwrap());
            ended.reduce(|mut all, one| {
                all.add(one);
                all
            })
        });
        let told = told.unwrap();
        let (missed, extra) = (told.missed.len(), told.extra.len());
        let took = begun.elapsed().as_secs_f64();
        println!("{order:?}: {people} people, {} events, {} looks, {took:.1} s", told.events, told.looks);
        println!("    owed by the oracle {}, missed {missed}, too many {extra}", told.owed);
        let a_month = |count: usize| count as f64 / (people as f64 * 12.0);
        println!(
            "    a person and month: {:.3} pieces of work, {:.3} alerts, of these {:.3} escalations",
            a_month(told.works),
            a_month(told.alerts),
            a_month(told.escalations)
        );
        told.made.iter().for_each(|(rule, count)| println!("    {rule}: {count}"));
        told.missed.iter().take(20).for_each(|words| println!("    missed: {words}"));
        told.extra.iter().take(20).for_each(|words| println!("    too many: {words}"));
        holds &= missed + extra == 0;
    }
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
