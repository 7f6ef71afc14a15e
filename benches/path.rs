//! What the whole path costs: messages acknowledged durably per second over MLLP with 1 and with 64 connections, beside the
//! limit of the same bytes appended and synced to the same disk in the same run. Rounds are interleaved; medians are
//! printed. Then mapping alone, start-up, memory and the binary's size. `cargo bench --bench path`; `ROUNDS`, `SECONDS`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test says what it expects by failing, prints what it did, and is told by the environment what to do"
)]

#[path = "../tests/service/harness.rs"]
#[allow(dead_code, reason = "shared with the service tests, which use all of it")]
mod harness;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use handover::hl7::{Message, ReadOptions};
use handover::mapping::Context;
use harness::{Hospital, adt, code, minutes_ago, start, write_site};

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

static NUMBER: AtomicU64 = AtomicU64::new(1);

/// A message of a patient seen now and then: 5,000 people, each visit registered and then discharged.
fn next_message() -> String {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let (event, visit) = (if number.is_multiple_of(2) { "A03" } else { "A04" }, number / 2);
    adt(event, &format!("B{number}"), &(visit % 5000 + 10_000).to_string(), &format!("V{visit}"), &minutes_ago(5))
}

/// Messages acknowledged AA per second, and the latencies in milliseconds.
async fn through_the_path(running: &handover::app::Running, connections: usize, time: Duration) -> (f64, Vec<f64>) {
    let address = running.mllp["riverside"];
    let started = Instant::now();
    let senders: Vec<_> = (0..connections)
        .map(|_| {
            tokio::spawn(async move {
                let mut hospital = Hospital::connect(address).await;
                let mut latencies = Vec::new();
                while started.elapsed() < time {
                    let sent = Instant::now();
                    let answer = hospital.send(&next_message()).await;
                    assert_eq!(code(&answer), "AA", "{answer}");
                    latencies.push(sent.elapsed().as_secs_f64() * 1000.0);
                }
                latencies
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for sender in senders {
        latencies.extend(sender.await.unwrap());
    }
    (latencies.len() as f64 / started.elapsed().as_secs_f64(), latencies)
}

/// The disk's limit: messages of the same size appended, one sync for each group of `group`.
fn raw_appends(folder: &Path, group: usize, time: Duration) -> f64 {
    let path = folder.join("raw");
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&path).unwrap();
    let message = next_message();
    let started = Instant::now();
    let mut count = 0_usize;
    while started.elapsed() < time {
        for _ in 0..group {
            file.write_all(message.as_bytes()).unwrap();
        }
        file.sync_data().unwrap();
        count += group;
    }
    std::fs::remove_file(path).unwrap();
    count as f64 / started.elapsed().as_secs_f64()
}

fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * share) as usize]
}

async fn compare(running: &handover::app::Running, folder: &Path) {
    let (rounds, time) = (setting("ROUNDS", 5), Duration::from_secs(setting("SECONDS", 5)));
    println!("{rounds} rounds of {} s each, interleaved; medians", time.as_secs());
    for connections in [1_usize, 64] {
        let (mut path, mut raw, mut ratio, mut latencies) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            let limit = raw_appends(folder, connections, time / 4);
            let (rate, mut taken) = through_the_path(running, connections, time).await;
            path.push(rate);
            raw.push(limit);
            ratio.push(rate / limit);
            latencies.append(&mut taken);
        }
        println!(
            "{connections:>3} connections: {:>7.0} messages/s acknowledged durably, p50 {:.1} ms, p99 {:.1} ms; raw append + fdatasync {:>8.0}/s; ratio {:.3}",
            median(&mut path),
            percentile(&mut latencies, 0.5),
            percentile(&mut latencies, 0.99),
            median(&mut raw),
            median(&mut ratio)
        );
    }
}

fn map_only(site: &handover::site::Site) {
    let feed = &site.feeds["riverside"];
    let maps = &site.mappings["riverside"];
    let text = next_message();
    let mut times = Vec::new();
    for _ in 0..2000 {
        let started = Instant::now();
        let message = Message::parse(text.as_bytes(), &ReadOptions::default()).message.unwrap();
        let parsed = started.elapsed();
        let context = Context {
            zone: &feed.zone,
            authorities: &feed.authorities,
            habits: &feed.habits,
            received: jiff::Timestamp::now(),
        };
        let mapped = maps.apply(&message, &context);
        assert!(mapped.drafts.len() > 3);
        times.push((parsed.as_secs_f64() * 1e6, started.elapsed().as_secs_f64() * 1e6));
    }
    let mut parse: Vec<f64> = times.iter().map(|(parse, _)| *parse).collect();
    let mut both: Vec<f64> = times.iter().map(|(_, both)| *both).collect();
    println!(
        "reading {:.1} µs, reading and mapping {:.1} µs per ADT of {} bytes",
        median(&mut parse),
        median(&mut both),
        text.len()
    );
}

/// Start-up until MLLP answers, and memory when idle, of the real binary.
fn process(folder: &Path) {
    let binary = env!("CARGO_BIN_EXE_handover");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    write_site(folder, &|name, text| {
        if name == "feeds/riverside.yaml" { text.replace("127.0.0.1:0", &format!("127.0.0.1:{port}")) } else { text }
    });
    let mut starts = Vec::new();
    let mut resident = 0;
    for _ in 0..5 {
        let started = Instant::now();
        let mut child =
            Command::new(binary).arg("run").arg(folder).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(1));
        }
        starts.push(started.elapsed().as_secs_f64() * 1000.0);
        std::thread::sleep(Duration::from_millis(500));
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        resident = line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024;
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let size = std::fs::metadata(binary).unwrap().len() / (1 << 20);
    println!("start-up {:.0} ms, idle {resident} MiB resident, binary {size} MiB", median(&mut starts));
}

fn main() {
    // `cargo test` runs benches too when asked for all targets; without `--bench` there is nothing to measure.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    runtime.block_on(async {
        write_site(folder.path(), &|_, text| text);
        let running = start(folder.path()).await;
        let site = running.gateway.site.load_full();
        map_only(&site);
        compare(&running, folder.path()).await;
        running.stop().await;
    });
    let other = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    process(other.path());
}
