//! Many seeds, and whether the simulation would find what it looks for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::run::{Sabotage, run};
use super::site::{SITE, made};
use crate::site::Site;
use crate::store::wait_here;

/// Seeds of every test run; more with `HANDOVER_SEEDS=N`, one alone with `HANDOVER_SEED=N`.
const SEEDS: u64 = 150;

/// The first seeds that show something wrong, and how many were run.
fn search(
    seeds: std::ops::Range<u64>,
    site: &Arc<Site>,
    sabotage: Sabotage,
    enough: usize,
) -> (Vec<(u64, Vec<String>)>, u64) {
    let (next, found) = (AtomicU64::new(seeds.start), std::sync::Mutex::new(Vec::new()));
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                wait_here();
                let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= seeds.end || found.lock().unwrap().len() >= enough {
                        break;
                    }
                    let wrong = runtime.block_on(run(seed, Arc::clone(site), sabotage));
                    if !wrong.is_empty() {
                        found.lock().unwrap().push((seed, wrong));
                    }
                }
            });
        }
    });
    let found = found.into_inner().unwrap();
    (found, next.into_inner().min(seeds.end) - seeds.start)
}

#[test]
#[allow(clippy::disallowed_methods, reason = "a test is told by the environment how much to do")]
fn whatever_happens_partners_end_with_the_newest_and_nothing_is_stuck_or_forgotten() {
    let number = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().unwrap());
    let seeds = match number("HANDOVER_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("HANDOVER_SEEDS").unwrap_or(SEEDS),
    };
    let began = Instant::now();
    let (found, count) = search(seeds, &SITE, Sabotage::None, 5);
    println!("{count} seeds in {:.1?}", began.elapsed());
    assert_eq!(found, []);
}

#[test]
fn a_fault_in_the_code_is_found_within_a_few_seeds() {
    for (sabotage, late) in [
        (Sabotage::NoDoubt, 0),
        (Sabotage::ForgottenOutcome, super::site::LATE),
        (Sabotage::NoLines, super::site::LATE),
        (Sabotage::LyingDisk, super::site::LATE),
        (Sabotage::Believed, super::site::LATE),
    ] {
        let site = if late == super::site::LATE { SITE.clone() } else { made(late) };
        let (found, count) = search(0..400, &site, sabotage, 1);
        println!("{sabotage:?}: {count} seeds, {:?}", found.first());
        assert!(!found.is_empty(), "{sabotage:?} was not found in {count} seeds");
    }
}
