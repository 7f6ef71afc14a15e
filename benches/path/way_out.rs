//! The way out: how fast a backlog of many partners leaves and what that costs, and what a gateway does while a partner is dead.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::compare::Bench;
use crate::gateway::{Binary, Gateway};
use crate::generate::Content;
use crate::site::Plan;
use crate::stores::sites;

/// A backlog that is not drained by then is a fault, not a measure.
const LONGEST_DRAIN: Duration = Duration::from_secs(900);

/// By then a gateway has learnt that a partner is dead.
const LEARNT: Duration = Duration::from_secs(20);

/// An import is through when nothing more came to wait, and next to nothing was used, for this long.
const IMPORT_STEP: Duration = Duration::from_secs(3);

/// How long it is looked at from then on.
const LOOKED_AT: Duration = Duration::from_secs(60);

fn content(plan: Plan, deliveries: usize) -> Content {
    let Plan { practices, members } = plan;
    Content { patients: members, members, practices, deliveries_each: deliveries / members, more_messages_each: 0 }
}

/// Has everything that is sent to one address sent to another.
fn redirect(folder: &Path, plan: Plan, from: SocketAddr, to: SocketAddr) {
    for practice in 0..plan.practices {
        let file = folder.join(format!("partners/practice-{practice}.yaml"));
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace(&from.to_string(), &to.to_string())).unwrap();
    }
}

/// An address at which nobody listens.
fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

async fn waiting(bench: &Bench, gateway: &Gateway) -> f64 {
    gateway.metrics(&bench.http).await.sum("outbox{state=\"waiting\"")
}

/// The first start imports the rosters and owes the partners something for each of their people: it happens while nobody listens, so that
/// it is no part of what is measured.
async fn import(bench: &Bench, binary: &Binary, folder: &Path, plan: Plan) {
    let (receiver, nobody) = (bench.receiver.address, nobody());
    redirect(folder, plan, receiver, nobody);
    let gateway = Gateway::start(binary, folder);
    let (mut before, mut used) = (0.0, gateway.used().cpu);
    loop {
        tokio::time::sleep(IMPORT_STEP).await;
        let (now, spent) = (waiting(bench, &gateway).await, gateway.used().cpu - used);
        if now == before && spent < IMPORT_STEP / 5 {
            break;
        }
        (before, used) = (now, gateway.used().cpu);
    }
    gateway.stop();
    redirect(folder, plan, nobody, receiver);
}

/// Drains it all, one gateway after the other, and tells each quarter, so that what grows with what is done is seen.
pub async fn drained(bench: &Bench, mix: &str, plan: Plan, deliveries: usize) {
    let sites = sites(bench, mix, plan, content(plan, deliveries)).await;
    for (binary, folder) in bench.binaries.iter().zip(&sites) {
        import(bench, binary, folder, plan).await;
        let gateway = Gateway::start(binary, folder);
        let (began, before, used) = (Instant::now(), waiting(bench, &gateway).await, gateway.used());
        assert!(before > deliveries as f64 / 2.0, "only {before} deliveries wait");
        let mut quarters = Vec::new();
        let (mut left, mut at, mut spent) = (before, began, used);
        while left > 0.0 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let now = waiting(bench, &gateway).await;
            let is_quarter = now <= before * (3 - quarters.len()) as f64 / 4.0;
            if is_quarter {
                let cpu = (gateway.used().cpu - spent.cpu).as_secs_f64() * 1e6 / (left - now);
                quarters.push(format!("{:.0}/s {cpu:.0} µs", (left - now) / at.elapsed().as_secs_f64()));
                (left, at, spent) = (now, Instant::now(), gateway.used());
            }
            assert!(began.elapsed() < LONGEST_DRAIN, "{now} of {before} still wait");
        }
        let (seconds, now) = (began.elapsed().as_secs_f64(), gateway.used());
        println!(
            "  {:<14}{before:.0} wait for {} partners; {:.0} delivered per second, {:.0} CPU µs and {:.0} B written each, {:.0} MiB at most; by quarters {}",
            gateway.name,
            plan.practices,
            before / seconds,
            (now.cpu - used.cpu).as_secs_f64() * 1e6 / before,
            (now.written - used.written) as f64 / before,
            gateway.peak_mib(),
            quarters.join(", ")
        );
        gateway.drained(&bench.http, LEARNT).await;
        gateway.stop();
    }
}

/// The gateways of all binaries beside each other, each with its backlog: what they use once they know that nobody answers.
pub async fn dead(bench: &Bench, mix: &str, plan: Plan, deliveries: usize) {
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    for (how, address) in [("refuses", nobody()), ("hangs", hanging.local_addr().unwrap())] {
        let sites = sites(bench, &format!("{mix}-{how}"), plan, content(plan, deliveries)).await;
        let mut gateways = Vec::new();
        for (binary, folder) in bench.binaries.iter().zip(&sites) {
            import(bench, binary, folder, plan).await;
            redirect(folder, plan, bench.receiver.address, address);
            gateways.push(Gateway::start(binary, folder));
        }
        tokio::time::sleep(LEARNT).await;
        let before: Vec<_> = gateways.iter().map(Gateway::used).collect();
        tokio::time::sleep(LOOKED_AT).await;
        for (gateway, before) in gateways.into_iter().zip(before) {
            let used = gateway.used();
            let share = (used.cpu - before.cpu).as_secs_f64() / LOOKED_AT.as_secs_f64() * 100.0;
            let metrics = gateway.metrics(&bench.http).await;
            println!(
                "  {:<14}the partner {how}, {:.0} wait, {:.0} tried: {share:.2} % of a core, {} B written, {:.0} MiB",
                gateway.name,
                metrics.sum("outbox{state=\"waiting\""),
                metrics.sum("delivery_attempts_total"),
                used.written - before.written,
                gateway.resident_mib()
            );
            gateway.stop();
        }
    }
}
