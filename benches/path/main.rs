//! What the path costs, measured from outside: a gateway as its own process, messages over MLLP, deliveries to a local receiver, and
//! beside it the same bytes appended and synced to the same disk. `cargo bench --bench path -- --list` tells the mixes;
//! `cargo bench --bench path -- on-panel off-panel` runs some of them. Told by the environment:
//!
//! - `HANDOVER_BENCH_AGAINST`: a second binary, measured in turns with the first on the same messages.
//! - `HANDOVER_BENCH_BINARY`: the first, instead of the one that was built.
//! - `CONNECTIONS` (`1,8,64`), `ROUNDS` (5), `SECONDS` (2, of a round at one binary), `LONGEST` (60, of all rounds of a table).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench stops where something is wrong, prints what it measured, and is told by the environment what to do"
)]

#[path = "../../tests/store/postgres.rs"]
#[allow(dead_code, reason = "shared with the tests of the stores, which use all of it")]
mod postgres;

mod chaos;
mod compare;
mod faulty;
mod fhir_mix;
mod gateway;
mod generate;
mod history;
mod large;
mod load;
mod messages;
mod mixes;
mod pages;
mod reader;
mod reads;
mod receiver;
mod site;
mod start;
mod stores;
mod together;
mod way_out;

use std::time::{Duration, Instant};

use compare::Bench;
use gateway::Binary;
use mixes::{MIXES, Mix};

fn setting(name: &str, usual: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| usual.to_string())
}

fn binaries() -> Vec<Binary> {
    let own = setting("HANDOVER_BENCH_BINARY", env!("CARGO_BIN_EXE_handover"));
    let mut binaries = vec![Binary { name: "this".to_string(), path: own.into() }];
    if let Ok(path) = std::env::var("HANDOVER_BENCH_AGAINST") {
        binaries.push(Binary { name: "against".to_string(), path: path.into() });
    }
    binaries
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test` runs benches too when asked for all targets; without `--bench` there is nothing to measure.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    if arguments.iter().any(|argument| argument == "--list") {
        for mix in MIXES {
            println!("{:<16}{}{}", mix.name, mix.says, if mix.is_short { " *" } else { "" });
        }
        println!("Those with * are run when none is named.");
        return;
    }
    let named: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with("--")).collect();
    for name in &named {
        assert!(MIXES.iter().any(|mix| mix.name == *name), "there is no mix `{name}`; see --list");
    }
    let chosen = |mix: &&Mix| if named.is_empty() { mix.is_short } else { named.iter().any(|name| *name == mix.name) };
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let bench = Bench {
        binaries: binaries(),
        key: reader::Key::new(),
        receiver: receiver::Receiver::serve(),
        folder: folder.path().to_path_buf(),
        http: reqwest::Client::new(),
        rounds: setting("ROUNDS", "5").parse().unwrap(),
        round: Duration::from_secs_f64(setting("SECONDS", "2").parse().unwrap()),
        longest: Duration::from_secs_f64(setting("LONGEST", "60").parse().unwrap()),
        connections: setting("CONNECTIONS", "1,8,64").split(',').map(|text| text.parse().unwrap()).collect(),
    };
    for binary in &bench.binaries {
        let size = std::fs::metadata(&binary.path).unwrap().len() / (1 << 20);
        println!("{}: {} ({size} MiB)", binary.name, binary.path.display());
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for mix in MIXES.iter().filter(chosen) {
        let began = Instant::now();
        println!("\n== {}: {}", mix.name, mix.says);
        runtime.block_on((mix.run)(&bench));
        println!("  ({:.0} s)", began.elapsed().as_secs_f64());
    }
}
