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
        let told: Vec<_> = std::thread::scope(|scope| {
            let size = people.div_ceil(parts);
            let part = |part: usize| {
                scope.spawn(move || {
                    let people = part * size..((part + 1) * size).min(people);
                    played(&ProtocolSet::built_in(), people, seed, order)
                })
            };
            let running: Vec<_> = (0..parts).map(part).collect();
            running.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let sum = |of: fn(&Told) -> usize| told.iter().map(of).sum::<usize>();
        let looks: u64 = told.iter().map(|one| one.looks).sum();
        let months = people as f64 * 12.0;
        println!(
            "{order:?}: {people} people, {} events, {looks} looks, {:.1} s",
            sum(|one| one.events),
            begun.elapsed().as_secs_f64()
        );
        println!(
            "    owed by the oracle {}, missed {}, too many {}",
            sum(|one| one.owed),
            sum(|one| one.missed.len()),
            sum(|one| one.extra.len())
        );
        let a_month = |count: usize| count as f64 / months;
        println!(
            "    a person and month: {:.3} pieces of work, {:.3} alerts, of these {:.3} escalations",
            a_month(sum(|one| one.works)),
            a_month(sum(|one| one.alerts)),
            a_month(sum(|one| one.escalations))
        );
        let mut made = std::collections::BTreeMap::<&str, usize>::new();
        told.iter().flat_map(|one| &one.made).for_each(|(rule, count)| *made.entry(rule).or_default() += count);
        made.iter().for_each(|(rule, count)| println!("    {rule}: {count}"));
        let faults = told.iter().flat_map(|one| {
            one.missed.iter().map(|words| ("missed", words)).chain(one.extra.iter().map(|words| ("too many", words)))
        });
        faults.take(20).for_each(|(what, words)| println!("    {what}: {words}"));
        holds &= told.iter().all(|one| one.missed.is_empty() && one.extra.is_empty());
    }
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
