//! What it costs that much is known of a patient.

use std::time::Instant;

use crate::compare::Bench;
use crate::gateway::Gateway;
use crate::mixes::{ONE_PANEL, send, spread};
use crate::site::Whose;
use crate::{load, messages};

/// Messages written between two looks at the clock.
const STEP: usize = 100;

/// Updates of people of whom so many messages came before: the fewer they are, the more people take turns, so that the updates add
/// little to them.
pub async fn updates(bench: &Bench, name: &str, sizes: &[usize], mrn: Whose) {
    let gateways = bench.gateways(name, ONE_PANEL);
    let mut first = 0;
    for &size in sizes {
        let people = (4_000 / size).clamp(1, 200);
        let everybody: Vec<usize> = (first..first + people).map(mrn).collect();
        first += people;
        let mut written = size;
        for gateway in &gateways {
            let began = Instant::now();
            written = written.min(write_past(bench, gateway, &everybody, size).await);
            println!(
                "  {}: {written} messages of {people} people in {:.0} s",
                gateway.name,
                began.elapsed().as_secs_f64()
            );
        }
        let make = |count: usize| spread(1, count, |number| messages::update(everybody[number % people]));
        bench.compare(&format!("{name}-{written}"), 1, &gateways, make, send).await;
        if written < size {
            println!("  more takes too long");
            break;
        }
    }
    gateways.into_iter().for_each(Gateway::stop);
}

/// Writes the past of each of them, in order. How many messages of each it were when the time was up.
pub async fn write_past(bench: &Bench, gateway: &Gateway, people: &[usize], size: usize) -> usize {
    let began = Instant::now();
    let connections = people.len().min(8);
    let mut written = 0;
    for from in (0..size).step_by(STEP) {
        let until = (from + STEP).min(size);
        let queue = |connection: usize| -> Vec<String> {
            let own = people.iter().skip(connection).step_by(connections);
            own.flat_map(|mrn| (from..until).map(|number| messages::past(*mrn, number, size - number))).collect()
        };
        let queues: Vec<Vec<String>> = (0..connections).map(queue).collect();
        load::send(gateway.mllp["riverside"], &queues).await;
        written = until;
        if began.elapsed() > bench.longest * 3 {
            break;
        }
    }
    gateway.drained(&bench.http, bench.longest * 10).await;
    written
}
