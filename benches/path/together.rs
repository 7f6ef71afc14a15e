//! One patient and many through two gateways on one PostgreSQL, beside the same through one. PostgreSQL is started without syncing,
//! so read ratios.

use std::path::Path;

use crate::compare::Bench;
use crate::gateway::{Binary, Gateway};
use crate::mixes::{ONE_PANEL, Queues, spread};
use crate::postgres;
use crate::site::{Whose, member, stranger};
use crate::{load, messages};

/// At each moment, over all gateways.
const CONNECTIONS: usize = 16;

pub async fn together(bench: &Bench, name: &str) {
    for binary in &bench.binaries {
        for (says, mrn) in [("off panel", stranger as Whose), ("on panel", member)] {
            let Some(url) = postgres::new_database() else { return };
            let gateways: Vec<Gateway> = (0..2)
                .map(|number| {
                    start(bench, binary, &bench.folder.join(format!("{name}-{}-{number}-{says}", binary.name)), &url)
                })
                .collect();
            let people = |count: usize| move |number: usize| mrn(number % count);
            round(bench, &gateways[..1], &format!("{says}, one patient, one gateway"), people(1)).await;
            round(bench, &gateways, &format!("{says}, one patient, both"), people(1)).await;
            round(bench, &gateways[..1], &format!("{says}, 1,000 patients, one gateway"), people(1_000)).await;
            round(bench, &gateways, &format!("{says}, 1,000 patients, both"), people(1_000)).await;
            gateways.into_iter().for_each(Gateway::stop);
        }
    }
}

fn start(bench: &Bench, binary: &Binary, folder: &Path, url: &str) -> Gateway {
    bench.write_site(folder, ONE_PANEL);
    let file = folder.join("handover.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let on_postgres = text.replace("engine: fjall", &format!("engine: postgres, url: \"{url}\""));
    assert_ne!(text, on_postgres);
    std::fs::write(&file, on_postgres).unwrap();
    Gateway::start(binary, folder)
}

/// Sends for about as long as a round takes, over all of the gateways at once.
async fn round(bench: &Bench, gateways: &[Gateway], says: &str, mrn: impl Fn(usize) -> usize) {
    let used = || gateways.iter().map(|gateway| gateway.used().cpu.as_secs_f64()).sum::<f64>();
    let (began, mut sent, mut seconds, mut latencies) = (used(), 0, 0.0, Vec::new());
    while seconds < bench.round.as_secs_f64() {
        let queues: Queues = spread(CONNECTIONS, CONNECTIONS * 4, |number| messages::update(mrn(sent + number)));
        let shares = queues.chunks(CONNECTIONS / gateways.len());
        let sends = gateways.iter().zip(shares).map(|(gateway, queues)| load::send(gateway.mllp["riverside"], queues));
        let rounds = futures_util::future::join_all(sends).await;
        sent += rounds.iter().map(|round| round.count).sum::<usize>();
        seconds += rounds.iter().map(|round| round.seconds).fold(0.0, f64::max);
        latencies.extend(rounds.into_iter().flat_map(|round| round.latencies));
    }
    let cpu = (used() - began) * 1e6 / sent as f64;
    let all = load::Sent { count: sent, seconds, latencies };
    println!(
        "  {:<8}{says:<44}{:>6.0}/s  p50 {:>7.1} ms  p99 {:>7.1} ms  CPU {cpu:>6.0} µs",
        gateways[0].name,
        sent as f64 / seconds,
        all.percentile(0.5),
        all.percentile(0.99)
    );
    for gateway in gateways {
        gateway.drained(&bench.http, bench.longest * 10).await;
    }
}
