//! What it costs that much is kept: stores of many patients, long rosters, and a backlog of deliveries.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::compare::Bench;
use crate::gateway::Gateway;
use crate::generate::{self, Content};
use crate::mixes::{ONE_PANEL, send};
use crate::site::{Plan, Whose, member, stranger};
use crate::{load, messages, reads};

/// How long the backlog is looked at.
const BACKLOG: Duration = Duration::from_secs(30);

/// A site for each binary, each with its own copy of one store.
pub async fn sites(bench: &Bench, mix: &str, plan: Plan, content: Content) -> Vec<PathBuf> {
    let Content { patients, members, practices, deliveries_each, more_messages_each } = content;
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("path-stores");
    let kept = kept.join(format!("{patients}-{members}-{practices}-{deliveries_each}-{more_messages_each}"));
    let began = Instant::now();
    generate::store(bench, &kept, content).await;
    println!(
        "  {} patients in {} (made in {:.0} s; remove it to have it made anew)",
        patients,
        kept.display(),
        began.elapsed().as_secs_f64()
    );
    let folder = |number: usize| {
        let folder = bench.folder.join(format!("{mix}-{number}"));
        bench.write_site(&folder, plan);
        let copied = Command::new("cp").arg("-r").arg(&kept).arg(folder.join("data")).status().unwrap();
        assert!(copied.success());
        folder
    };
    (0..bench.binaries.len()).map(folder).collect()
}

/// Starts each twice: the first imports the roster. Tells both, and the memory at rest.
pub async fn started(bench: &Bench, sites: &[PathBuf]) -> Vec<Gateway> {
    let mut gateways = Vec::new();
    for (binary, folder) in bench.binaries.iter().zip(sites) {
        let first = Gateway::start(binary, folder);
        let first_start = first.start;
        first.stop();
        let gateway = Gateway::start(binary, folder);
        tokio::time::sleep(Duration::from_secs(2)).await;
        println!(
            "  {:<14}first start {:.1} s, then {:.1} s, {:.0} MiB resident at rest",
            gateway.name,
            first_start.as_secs_f64(),
            gateway.start.as_secs_f64(),
            gateway.resident_mib()
        );
        gateways.push(gateway);
    }
    gateways
}

pub async fn patients(bench: &Bench, mix: &str, patients: usize) {
    let content =
        Content { patients, members: ONE_PANEL.members, practices: 1, deliveries_each: 0, more_messages_each: 0 };
    let gateways = started(bench, &sites(bench, mix, ONE_PANEL, content).await).await;
    let people: [(&str, Whose); 2] =
        [("off panel", |number| stranger(number + 5_000)), ("on panel", |number| member(number % 5_000))];
    for (name, mrn) in people {
        let mut next = 0;
        let make = |count: usize| {
            let first = next;
            next += count.div_ceil(2);
            messages::pairs(8, count, |number| mrn(first + number))
        };
        bench.compare(&format!("{mix}, visits {name}"), 8, &gateways, make, send).await;
    }
    let mut readers = reads::readers(bench, &gateways).await;
    reads::questions(bench, &gateways, &mut readers, mix, member(1)).await;
    gateways.into_iter().for_each(Gateway::stop);
}

pub async fn roster(bench: &Bench, mix: &str, members: usize) {
    let plan = Plan { practices: 1, members };
    let folder = |number: usize| bench.folder.join(format!("{mix}-{number}"));
    let sites: Vec<PathBuf> = (0..bench.binaries.len()).map(folder).collect();
    sites.iter().for_each(|folder| bench.write_site(folder, plan));
    let gateways = started(bench, &sites).await;
    let mut next = 0;
    let make = |count: usize| {
        let first = next;
        next += count.div_ceil(2);
        messages::pairs(8, count, |number| member((first + number) % members))
    };
    bench.compare(mix, 8, &gateways, make, send).await;
    gateways.into_iter().for_each(Gateway::stop);
}

/// One gateway after the other, since each is busy from its start on.
pub async fn backlog(bench: &Bench, mix: &str, deliveries: usize) {
    let members = ONE_PANEL.members;
    let content = Content {
        patients: members,
        members,
        practices: 1,
        deliveries_each: deliveries / members,
        more_messages_each: 0,
    };
    let sites = sites(bench, mix, ONE_PANEL, content).await;
    for (binary, folder) in bench.binaries.iter().zip(&sites) {
        let gateway = Gateway::start(binary, folder);
        let waiting = async || gateway.metrics(&bench.http).await.sum("outbox{state=\"waiting\"");
        let (began, before, used) = (Instant::now(), waiting().await, gateway.used());
        let mut latencies = Vec::new();
        while began.elapsed() < BACKLOG {
            let number = stranger(messages::next_number() as usize);
            latencies
                .extend(load::send(gateway.mllp["riverside"], &[messages::visit(number).to_vec()]).await.latencies);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let metrics = gateway.metrics(&bench.http).await;
        let delivered = before - metrics.sum("outbox{state=\"waiting\"");
        let tried = metrics.sum("delivery_attempts_total");
        let seconds = began.elapsed().as_secs_f64();
        let now = gateway.used();
        let sent = load::Sent { count: latencies.len(), seconds, latencies };
        println!(
            "  {:<14}{before:.0} wait; {:.0} delivered per second (of {tried:.0} tries {delivered:.0} ended), {:.0} CPU µs and {:.0} B written each; meanwhile a message off panel takes p50 {:.1} ms, p99 {:.1} ms; {:.0} MiB at most",
            gateway.name,
            delivered / seconds,
            (now.cpu - used.cpu).as_secs_f64() * 1e6 / delivered,
            (now.written - used.written) as f64 / delivered,
            sent.percentile(0.5),
            sent.percentile(0.99),
            gateway.peak_mib()
        );
        gateway.stop();
    }
}
