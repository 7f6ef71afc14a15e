//! Ten thousand people's year with all shipped protocols, beside an oracle that knows nothing of the engine: what is missed, what comes
//! twice, what a practice gets in a month, and how long it took. Ends with 1 where anything is missed or comes twice. `cargo bench
//! --bench year`; `PEOPLE`, `SEED`. With `KILLS` a whole gateway lives it with its store on disk, once to its end and once killed
//! so often, and ends with 1 as well where the stores differ.

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

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use handover::protocol::ProtocolSet;
use year::{Order, Told, Year, lived, lives_here, looked_at, played, tried, write_site};

fn main() -> ExitCode {
    if lives_here() {
        return ExitCode::SUCCESS;
    }
    let number = |name: &str| {
        let text = std::env::var(name).ok();
        text.map(|text| text.parse::<usize>().expect("PEOPLE, SEED and KILLS are numbers"))
    };
    let seed = number("SEED").unwrap_or(1) as u64;
    let holds = match number("KILLS") {
        Some(kills) => in_a_store(number("PEOPLE").unwrap_or(500), seed, kills),
        None => in_memory(number("PEOPLE").unwrap_or(10_000), seed),
    };
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn in_a_store(people: usize, seed: u64, kills: usize) -> bool {
    let mut holds = true;
    for order in [Order::AsItHappened, Order::Shuffled] {
        let year = Year { people, seed, order };
        let stores = [0, kills].map(|kills| {
            let (folder, begun) = (tempfile::tempdir().unwrap(), Instant::now());
            write_site(folder.path(), people);
            lived(folder.path(), year, kills, &|| Command::new(std::env::current_exe().unwrap()));
            println!("{order:?}, killed {kills} times: lived in {:.1} s", begun.elapsed().as_secs_f64());
            let looked = looked_at(folder.path(), year);
            (looked, folder)
        });
        let [((whole, _), _), ((kept, told), folder)] = stores;
        holds &= tell(&told, people, order);
        let (unlike, deliveries, messages) = (kept.unlike(&whole), kept.deliveries.len(), kept.messages.len());
        let again = kept.messages.values().filter(|times| **times != 1).count();
        println!("    {} resources, {deliveries} deliveries, {messages} messages", kept.resources.len());
        println!("    {} otherwise than where nobody was killed, {again} messages kept more than once", unlike.len());
        unlike.iter().take(5).for_each(|words| println!("    {words}"));
        holds &= unlike.is_empty() && again == 0;
        if order == Order::AsItHappened {
            holds &= is_told_by_a_trial(&told, folder.path());
        }
    }
    holds
}

/// Whether `handover protocol try` on the store tells what each protocol made. Of what became known late it tells something else.
fn is_told_by_a_trial(told: &Told, folder: &Path) -> bool {
    let protocols: BTreeSet<&str> = told.made.keys().filter_map(|rule| rule.split('/').next()).collect();
    let mut holds = true;
    for protocol in protocols {
        let (tried, made) = (tried(folder, protocol), told.made_by(protocol));
        let is_same = tried == made;
        println!("    {protocol}: a trial tells {}", if is_same { "the same" } else { "something else" });
        if !is_same {
            println!("        tried {tried:?}\n        made {made:?}");
        }
        holds &= is_same;
    }
    holds
}

fn in_memory(people: usize, seed: u64) -> bool {
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
        println!("{order:?}: {} looks, {:.1} s", told.looks, begun.elapsed().as_secs_f64());
        holds &= tell(&told, people, order);
    }
    holds
}

fn tell(told: &Told, people: usize, order: Order) -> bool {
    let (missed, extra) = (told.missed.len(), told.extra.len());
    println!("{order:?}: {people} people, {} events", told.events);
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
    missed + extra == 0
}
