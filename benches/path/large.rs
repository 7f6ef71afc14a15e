//! Messages that are much work each, and what somebody else's feed notices of them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::compare::Bench;
use crate::gateway::Gateway;
use crate::load::{self, Sent};
use crate::mixes::{ONE_PANEL, Queues, send, spread};
use crate::{messages, site};

/// Between two messages of the other feed.
const PAUSE: Duration = Duration::from_millis(5);

pub async fn large(bench: &Bench, name: &str, results: usize) {
    let gateways = bench.gateways(name, ONE_PANEL);
    let mut next = 0;
    let mut make = |count: usize| {
        next += count;
        spread(1, count, |number| messages::results(site::stranger(next + number), results, 10))
    };
    bench.compare(name, 1, &gateways, &mut make, send).await;
    println!("  another feed, one connection, a message every {} ms and what it takes:", PAUSE.as_millis());
    let count = if results > 5_000 { 4 } else { 20 };
    for gateway in &gateways {
        let alone = beside(gateway, tokio::time::sleep(bench.round)).await;
        let queues: Queues = make(count).into_iter().chain(make(count)).collect();
        gateway.reset_peak();
        let meanwhile = beside(gateway, async { drop(send(gateway, &queues).await) }).await;
        let told = |sent: &Sent| format!("p50 {:.1} ms, p99 {:.1} ms", sent.percentile(0.5), sent.percentile(0.99));
        println!(
            "  {:<14}alone {}; beside two connections of {name} {}, {:.0} MiB at most",
            gateway.name,
            told(&alone),
            told(&meanwhile),
            gateway.peak_mib()
        );
    }
    gateways.into_iter().for_each(Gateway::stop);
}

/// Visits at the other hospital, one message at a time, until `work` is done.
async fn beside(gateway: &Gateway, work: impl Future<Output = ()>) -> Sent {
    let done = AtomicBool::new(false);
    let visits = async {
        let mut all = Sent { count: 0, seconds: 0.0, latencies: Vec::new() };
        while !done.load(Ordering::Relaxed) {
            let number = site::stranger(messages::next_number() as usize);
            let sent = load::send(gateway.mllp["hilltop"], &[messages::visit_elsewhere(number).to_vec()]).await;
            all.count += sent.count;
            all.latencies.extend(sent.latencies);
            tokio::time::sleep(PAUSE).await;
        }
        all
    };
    let work = async {
        work.await;
        done.store(true, Ordering::Relaxed);
    };
    tokio::join!(visits, work).0
}
